import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { thresholdIn } from '../../shell/query.ts';
import * as numbers from '../../ui/numbers.ts';

/** The state of the comparison, as the URL contains it. */
export interface CompareQuery {
  /** The id of the batch to compare with. */
  other: string | undefined;
  threshold: number | undefined;
  /** If undefined, it follows `threshold`: the same with the same model, otherwise so that as many items are kept. */
  otherThreshold: number | undefined;
}

export function readCompareQuery(query: URLSearchParams): CompareQuery {
  return {
    other: query.get('other') ?? undefined,
    threshold: thresholdIn(query),
    otherThreshold: thresholdIn(query, 'otherThreshold'),
  };
}

export type Names = [here: string, there: string];

/**
 * Returns the names of the two models, or the titles of the batches if the models are the same, or several share a batch.
 */
export const namesOf = (batch: BatchStatus, other: BatchStatus, titleOf: (batch: BatchStatus) => string): Names =>
  batch.model === other.model || batch.traffic || other.traffic
    ? [titleOf(batch), titleOf(other)]
    : [batch.model, other.model];

/** The word joiner keeps the label in one line with its ellipsis. */
const cutBefore = (name: string[], from: number): string => `…\u2060${name.slice(from).join('')}`;

/** The number of equal characters before the first difference that a label keeps. The narrowest label shows more. */
const keptBefore = 10;

/** Returns labels of two names. Names that begin alike lose their beginning, because the page cuts off the end. */
export function labelsOf([here, there]: Names): Names {
  if (here === there) return ['this batch', 'the other batch'];
  const [a, b] = [[...here], [...there]];
  const differs = a.findIndex((character, at) => character !== b[at]);
  const first = differs === -1 ? a.length : differs;
  if (first <= keptBefore) return [here, there];
  const from = Math.max(a.lastIndexOf(' ', first - 1) + 1, first - keptBefore);
  return [cutBefore(a, from), cutBefore(b, from)];
}

/** Returns true if one of the batches was made from the items or images of the other, or both from those of a third. */
export function areRelated(a: BatchStatus, b: BatchStatus): boolean {
  // Two retries of one batch may have different items of it.
  if (a.retryOf === b.id || b.retryOf === a.id) return true;
  const origins = new Set([a.id, a.rescoreOf, a.imagesFrom].filter((id) => id !== null));
  return [b.id, b.rescoreOf, b.imagesFrom].some((id) => id !== null && origins.has(id));
}

/** Returns the batches that may have the same items, related ones first. A batch that ended without a score is left out. */
export const candidatesOf = (batch: BatchStatus, batches: readonly BatchStatus[]): BatchStatus[] =>
  batches
    .filter(({ id, items, state }) => id !== batch.id && items.total === batch.items.total && state !== 'accepting')
    .filter(({ items, finishedAt }) => items.succeeded > 0 || finishedAt === null)
    .sort((a, b) => Number(areRelated(batch, b)) - Number(areRelated(batch, a)));

/**
 * Describes a batch in the choice of the other batch.
 * @param all the batches of the choice. Those of the same name and model also get the start of their id.
 */
export function optionWords(
  batch: BatchStatus,
  all: readonly BatchStatus[],
  titleOf: (batch: BatchStatus) => string,
): string {
  const { id, items, model, createdAt, texts } = batch;
  const isAlike = (other: BatchStatus) =>
    other.id !== id && other.model === model && other.texts === texts && titleOf(other) === titleOf(batch);
  // The name of a batch that was scored again ends with its model.
  const named = titleOf(batch).split(', ').slice(1);
  return [
    // The marks isolate the direction of the name from that of the words after it.
    `\u2068${titleOf(batch)}\u2069`,
    // A narrow page cuts the end off, so the id is near the start.
    ...(all.some(isAlike) ? [id.slice(0, 8)] : []),
    ...[model, ...(texts === 'others' ? ['wrong pairs'] : [])].filter((word) => !named.includes(word)),
    `${numbers.count(items.succeeded)} scored`,
    numbers.ago(createdAt),
  ].join(', ');
}

/**
 * Four groups of items: they reach the threshold in both batches, only in this one, only in the other, or in neither.
 */
export const sides = ['both', 'onlyThis', 'onlyOther', 'neither'] as const;
export type Side = (typeof sides)[number];

/** Returns the URL query of the list of pairs that shows one of the groups. */
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

/** Returns the URL query of the list of pairs with a score that have none in the other batch. */
export const unmatchedQueryOf = (other: string, min: number | undefined): Record<string, string> => ({
  other,
  otherScored: 'false',
  ...(min !== undefined && { min: String(min) }),
  sort: '-score',
});

/** Returns the highest score below a threshold. Scores have four decimals. */
const belowOf = (threshold: number): number => Number((threshold - 0.0001).toFixed(4));
