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
 * Pads the texts of a run to one block. A text is never cut, since it would lose its end token.
 * @param length tokens of a row; shorter texts are padded by the recipe of their family.
 * @param rows rows of the block; those after the last text repeat the first one.
 * @throws {Error} when a text is longer.
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
    if (text.length > length) throw new Error(`A text has ${text.length} tokens, and a row of its run ${length}`);
    const filler = pad === 'end' ? (text.at(-1) ?? 0) : pad.id;
    for (let at = 0; at < length; at++) {
      ids[row * length + at] = text[at] ?? filler;
      if (isMasked && at >= text.length) mask[row * length + at] = 0;
    }
  }
  return { ids, mask, shape: [rows, length] };
}

/** The lengths of texts that a graph and a provider take. */
export interface TextLengths {
  /** The only length of the graph, if it has one. */
  fixed?: number | undefined;
  /** Lengths to which shorter runs are extended; a longer run uses the whole context. */
  steps?: readonly number[];
}

/** Returns the number of tokens in each row of a run. */
export function paddedLength(
  texts: readonly (readonly number[])[],
  { pad, maxTokens }: Pick<TextRecipe, 'pad' | 'maxTokens'>,
  { fixed, steps = [] }: TextLengths = {},
): number {
  if (fixed !== undefined) return fixed;
  const longest = Math.max(...texts.map((text) => text.length));
  // A tower that reads its padding gets the length of its training, and no other.
  if (pad !== 'end' && pad.to > 0) return Math.max(pad.to, longest);
  if (steps.length === 0) return longest;
  return steps.find((step) => step >= longest) ?? Math.max(longest, maxTokens);
}
