/** Converts a cleaned text to its token ids, special tokens included. The ids are not truncated. */
export interface Algorithm {
  idsOf(text: string): number[];
  /**
   * True when no token spans several words. The first words of a text then have the same tokens as within the whole
   * text.
   */
  readsByWord: boolean;
}
