import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { numberIn } from '../../shell/query.ts';

/** The state of the comparison of two batches, as the URL contains it. */
export interface CompareQuery {
  /** The id of the batch that is compared with the batch of this page. */
  other: string | undefined;
  threshold: number | undefined;
  /**
   * The threshold for the other batch. If it is undefined, a threshold is chosen that about as many items reach in the
   * other batch as reach `threshold` in this batch.
   */
  otherThreshold: number | undefined;
}

export function readCompareQuery(query: URLSearchParams): CompareQuery {
  return {
    other: query.get('other') ?? undefined,
    threshold: numberIn(query, 'threshold'),
    otherThreshold: numberIn(query, 'otherThreshold'),
  };
}

/**
 * Returns the names under which the comparison shows two batches: the names of their models, or the names of the
 * batches if the models are the same.
 */
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
 * Returns the batches that may have the same items as this batch, the most likely ones first: those with items of the
 * same original batch, then others with the same number of items.
 */
export function candidatesOf(batch: BatchStatus, batches: readonly BatchStatus[]): BatchStatus[] {
  const family = new Set([batch.id, batch.rescoreOf]);
  const isRelated = ({ id, rescoreOf }: BatchStatus) => family.has(id) || family.has(rescoreOf ?? '');
  return batches
    .filter(({ id, items, state }) => id !== batch.id && items.total === batch.items.total && state !== 'accepting')
    .sort((a, b) => Number(isRelated(b)) - Number(isRelated(a)));
}

/**
 * The four groups into which the thresholds of two batches divide the items. An item may reach the threshold in both
 * batches, only in this one, only in the other one, or in neither.
 */
export const sides = ['both', 'onlyThis', 'onlyOther', 'neither'] as const;
export type Side = (typeof sides)[number];

/** Returns the URL query with which the list of pairs shows one of the four groups. */
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
