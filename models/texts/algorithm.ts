/** Converts a cleaned text to its token ids, with special tokens and without truncation. */
export interface Algorithm {
  idsOf(text: string): number[];
  /**
   * True when no token spans several words, so that the first words of a text have the same tokens as in the whole
   * text.
   */
  readsByWord: boolean;
}
