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
 * Pads the texts of a run to one block.
 * @param length tokens of a row; shorter texts are padded by the recipe of their family.
 * @param rows rows of the block; those after the last text repeat the first one.
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
 * Returns the number of tokens in each row of a run.
 * @param fixed length of the graph, when it has only one.
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
