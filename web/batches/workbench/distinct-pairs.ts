import type { ItemResult } from '../../../shared/contracts/item.ts';

/**
 * Returns the results without those that repeat the image and text of an earlier one. Images without an address count
 * as equal if their scores with the same text are equal.
 */
export function distinctPairs(results: readonly ItemResult[]): ItemResult[] {
  const seen = new Map<string, ItemResult>();
  for (const result of results) {
    const key = keyOf(result);
    if (!seen.has(key)) seen.set(key, result);
  }
  return [...seen.values()];
}

function keyOf(result: ItemResult): string {
  const { image = null, text } = result;
  const score = result.status === 'succeeded' ? result.score : null;
  return JSON.stringify(image === null ? [text, score] : [image, text, '']);
}
