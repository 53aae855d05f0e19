import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { justBelow } from './distribution.ts';

/** Reads one page of the scored pairs of a batch, with their texts and images. */
export type ReadPairs = (query: Record<string, string | number>) => Promise<ResultsPage>;

/** Distinct pairs, and the number of all pairs that meet the conditions. */
export interface DistinctPairs {
  pairs: ItemResult[];
  selected: number | undefined;
}

/** The difference of two cosines below which pairs with the same text may be equal. */
const closeCosine = 1e-4;

/** Reads distinct pairs on one side of a threshold, the nearest score first. */
export const readNear = (
  read: ReadPairs,
  side: 'below' | 'above',
  threshold: number,
  limit: number,
): Promise<DistinctPairs> =>
  readDistinct(
    read,
    side === 'above' ? { minScore: threshold, sort: 'score' } : { maxScore: justBelow(threshold), sort: '-score' },
    limit,
  );

/**
 * Reads the first pairs of an ordered query, without those that equal an earlier one. The service looks for equal pairs
 * only if the first pairs may have some, because its first search reads the whole batch (0.6 s for a million items).
 */
async function readDistinct(read: ReadPairs, query: Record<string, string | number>, limit: number) {
  const { results, selected } = await read({ ...query, limit });
  if (!mayRepeat(results)) return { pairs: results, selected };
  return { pairs: (await read({ ...query, limit, distinct: 'pair' })).results, selected };
}

/**
 * Reads the distinct pairs with the nearest scores to a pair, the lowest score first.
 * @param each the maximum number of pairs on each side.
 */
export async function readNearest(
  read: ReadPairs,
  pair: { index: number; score: number; cosine: number; text?: string | undefined },
  each: number,
): Promise<ItemResult[]> {
  const [above, below] = await Promise.all([
    // One more, because the results include the pair or one that equals it.
    readNear(read, 'above', pair.score, each + 1),
    pair.score <= 0 ? undefined : readNear(read, 'below', pair.score, each),
  ]);
  const others = above.pairs.filter(
    (other) => other.index !== pair.index && !(other.text === pair.text && cosineOf(other) === pair.cosine),
  );
  return [...(below?.pairs ?? []).toReversed(), ...others.slice(0, each)];
}

/** Returns true when equal pairs may be among the results. Only the service knows which images are equal. */
const mayRepeat = (results: readonly ItemResult[]): boolean =>
  results.some((result, at) =>
    results.slice(0, at).some((other) => {
      const difference = Math.abs((cosineOf(result) ?? 0) - (cosineOf(other) ?? 0));
      return other.text === result.text && difference < closeCosine;
    }),
  );

const cosineOf = (result: ItemResult): number | undefined =>
  result.status === 'succeeded' ? result.cosine : undefined;
