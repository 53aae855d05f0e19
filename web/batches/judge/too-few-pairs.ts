import * as numbers from '../../ui/numbers.ts';

/** The number of judged pairs from which precision and recall are shown. */
export const minLabels = 10;
/** The number of pairs that are read first. */
export const firstRead = 100;
/** The numbers of pairs that are read one after another to find `minLabels` different ones. */
const readSizes = [firstRead, 1_000, 10_000];

/**
 * Returns the sentence for a batch or sample with too few pairs; undefined if it has enough.
 * @param what has the pairs, such as `This batch`.
 * @param noun a pair in the singular, such as `different pair`.
 */
export function tooFewWords(what: string, count: number, noun: string): string | undefined {
  if (count >= minLabels) return undefined;
  const pairs = count === 0 ? `no ${noun}` : `only ${numbers.counted(count, noun)}`;
  return `${what} has ${pairs} to judge. Precision and recall need ${minLabels} labels, so they cannot be estimated.`;
}

/**
 * Counts the different pairs by reading the batch from its start.
 * @param all the number of pairs in the batch.
 * @param read reads this number of pairs, or all if there are fewer.
 * @returns undefined if there are enough, or if the batch is too large to read.
 */
export async function countIfTooFew<Pair>(
  all: number,
  read: (enough: number) => Promise<readonly Pair[]>,
  distinct: (pairs: readonly Pair[]) => readonly Pair[],
): Promise<number | undefined> {
  for (const size of readSizes) {
    const pairs = await read(size);
    const { length } = distinct(pairs);
    if (length >= minLabels) return undefined;
    if (pairs.length >= all) return length;
  }
  return undefined;
}
