import type { TextRecipe } from '../model.ts';

/** The token ids of all texts in one run of the text encoder, with the attention mask. */
export interface PaddedIds {
  /** The padded texts, one after the other. */
  ids: number[];
  mask: number[];
  /** The number of rows, and the number of token ids in each row. */
  shape: [number, number];
}

/**
 * Truncation would lose the end token of a text.
 * @param length the number of tokens in each row.
 * @param rows the number of rows. Rows after the last text repeat the first text.
 * @throws {Error} when a text has more than `length` tokens.
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
    if (text.length > length)
      throw new Error(`A text has ${text.length} tokens, but the rows of its run have only ${length}`);
    const filler = pad === 'end' ? (text.at(-1) ?? 0) : pad.id;
    for (let at = 0; at < length; at++) {
      ids[row * length + at] = text[at] ?? filler;
      if (isMasked && at >= text.length) mask[row * length + at] = 0;
    }
  }
  return { ids, mask, shape: [rows, length] };
}

/** The row lengths in tokens that a graph and a provider accept. */
export interface TextLengths {
  /** The only number of tokens that the graph accepts; undefined when it accepts any number. */
  fixed?: number | undefined;
  /**
   * The lengths to which rows are padded, in ascending order. Longer rows are padded to the maximum number of tokens.
   */
  steps?: readonly number[];
}

export function paddedLength(
  texts: readonly (readonly number[])[],
  { pad, maxTokens }: Pick<TextRecipe, 'pad' | 'maxTokens'>,
  { fixed, steps = [] }: TextLengths = {},
): number {
  if (fixed !== undefined) return fixed;
  const longest = Math.max(...texts.map((text) => text.length));
  // A text encoder whose result depends on padding always gets the text length with which it was trained.
  if (pad !== 'end' && pad.to > 0) return Math.max(pad.to, longest);
  if (steps.length === 0) return longest;
  return steps.find((step) => step >= longest) ?? Math.max(longest, maxTokens);
}
