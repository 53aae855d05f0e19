import type { BatchStatus } from '../../../shared/contracts/batch.ts';
import { numberIn } from '../../shell/query.ts';

/** The state of the comparison, as its URL has it. */
export interface CompareQuery {
  /** Id of the other batch. */
  other: string | undefined;
  threshold: number | undefined;
  /** The threshold of the other batch. Undefined means the score that about as many items reach there as here. */
  otherThreshold: number | undefined;
}

export function readCompareQuery(query: URLSearchParams): CompareQuery {
  return {
    other: query.get('other') ?? undefined,
    threshold: numberIn(query, 'threshold'),
    otherThreshold: numberIn(query, 'otherThreshold'),
  };
}

/** Returns the names of two batches in the comparison: their models, or their own names if the models are the same. */
export function namesOf(
  batch: BatchStatus,
  other: BatchStatus,
  titleOf: (batch: BatchStatus) => string,
): [here: string, there: string] {
  if (batch.model !== other.model) return [batch.model, other.model];
  const [here, there] = [titleOf(batch), titleOf(other)];
  return here === there ? [`${here} (this one)`, there] : [here, there];
}

/**
 * Returns the batches that may have the same items, the most likely ones first: those made from the same batch, then
 * others with the same number of items.
 */
export function candidatesOf(batch: BatchStatus, batches: readonly BatchStatus[]): BatchStatus[] {
  const family = new Set([batch.id, batch.rescoreOf]);
  const isRelated = ({ id, rescoreOf }: BatchStatus) => family.has(id) || family.has(rescoreOf ?? '');
  return batches
    .filter(({ id, items, state }) => id !== batch.id && items.total === batch.items.total && state !== 'accepting')
    .sort((a, b) => Number(isRelated(b)) - Number(isRelated(a)));
}

/**
 * The four groups into which two thresholds divide the items: those that reach the threshold of both batches, of only
 * one of them, or of none.
 */
export const sides = ['both', 'onlyThis', 'onlyOther', 'neither'] as const;
export type Side = (typeof sides)[number];

/** Returns the query for the list of pairs that selects one group. */
export function listQueryOf(
  side: Side,
  other: string,
  threshold: number,
  otherThreshold: number,
): Record<string, string> {
  const passes = side === 'both' || side === 'onlyThis';
  const passesThere = side === 'both' || side === 'onlyOther';
  return {
    other,
    ...(passes ? { min: String(threshold) } : { max: String(belowOf(threshold)) }),
    ...(passesThere ? { otherMin: String(otherThreshold) } : { otherMax: String(belowOf(otherThreshold)) }),
    sort: '-score',
  };
}

/** Returns the highest score below a threshold. Scores have four decimals. */
const belowOf = (threshold: number): number => Number((threshold - 0.0001).toFixed(4));
