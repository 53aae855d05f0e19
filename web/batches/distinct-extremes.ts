import type { BatchSummary, Extreme } from '../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { ReadPairs } from './workbench/near.ts';

export type Extremes = Pick<BatchSummary, 'lowest' | 'highest'>;

/** The number of pairs that the summary has of each kind. */
const most = 50;

/** Returns the pairs without those that have the text and the cosine of an earlier one. */
export function withoutRepeated(pairs: readonly Extreme[]): Extreme[] {
  const seen = new Map<string, Extreme>();
  for (const pair of pairs) {
    const key = `${pair.cosine} ${pair.text}`;
    if (!seen.has(key)) seen.set(key, pair);
  }
  return [...seen.values()];
}

export const haveRepeated = ({ lowest, highest }: Extremes): boolean =>
  [lowest, highest].some((pairs) => withoutRepeated(pairs).length < pairs.length);

/** Reads the distinct pairs with the lowest and the highest cosines. */
export async function readExtremes(read: ReadPairs): Promise<Extremes> {
  const [lowest, highest] = await Promise.all(
    (['cosine', '-cosine'] as const).map((sort) => read({ sort, distinct: 'pair', limit: most })),
  );
  return { lowest: (lowest?.results ?? []).flatMap(extremeOf), highest: (highest?.results ?? []).flatMap(extremeOf) };
}

function extremeOf(result: ItemResult): Extreme[] {
  if (result.status !== 'succeeded') return [];
  const { index, id, cosine, score, text = '', image = null, imageStored } = result;
  const found = { index, ...(id !== undefined && { id }), cosine, score, text: text.slice(0, 300), image };
  return [{ ...found, ...(imageStored && { imageStored }) }];
}
