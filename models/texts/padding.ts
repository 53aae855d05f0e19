import type { TextRecipe } from '../model.ts';

/** The ids of a run as one block, with their mask. */
export interface PaddedIds {
  /** Rows one after the other. */
  ids: number[];
  mask: number[];
  /** `[rows, length]` */
  shape: [number, number];
}

/**
 * Puts the texts of a run into one block.
 * @param length tokens of a row; shorter texts are padded as their family does it.
 * @param rows rows of the block; those beyond the texts repeat the first one.
 */
export function padIds(
  texts: readonly (readonly number[])[],
  { pad, mask: isMasked }: Pick<TextRecipe, 'pad' | 'mask'>,
  length: number,
  rows = texts.length,
): PaddedIds {
  const ids = new Array<number>(rows * length);
  const mask = new Array<number>(rows * length).fill(1);
  for (let row = 0; row < rows; row++) {
    const text = texts[row] ?? texts[0] ?? [];
    const filler = pad === 'end' ? (text.at(-1) ?? 0) : pad.id;
    for (let at = 0; at < length; at++) {
      ids[row * length + at] = text[at] ?? filler;
      if (isMasked && at >= text.length) mask[row * length + at] = 0;
    }
  }
  return { ids, mask, shape: [rows, length] };
}

/**
 * Tokens of a row of a run.
 * @param fixed length that the graph has, where it has only one.
 */
export function paddedLength(
  texts: readonly (readonly number[])[],
  { pad }: Pick<TextRecipe, 'pad'>,
  fixed: number | undefined,
): number {
  if (fixed !== undefined) return fixed;
  const longest = Math.max(...texts.map((text) => text.length));
  return pad === 'end' ? longest : Math.max(pad.to, longest);
}
