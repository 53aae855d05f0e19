import type { ItemResult } from '../../../shared/contracts/item.ts';

/** Returns the words that offer to score a pair again; undefined without an address of the image or without a text. */
export function scoreAgainWords({
  image = null,
  text = '',
  status,
}: Pick<ItemResult, 'image' | 'text' | 'status'>): string | undefined {
  if (image === null || text === '') return undefined;
  return status === 'failed' ? 'Score it again' : 'Score it with another model';
}

/** @param again the words that offer to score the pair again; undefined if this is not possible. */
export const timingsWords = (again: string | undefined): string =>
  `A batch stores no timings.${again === undefined ? '' : ` “${again}” shows those of each stage.`}`;
