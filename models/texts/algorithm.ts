/** An algorithm that converts a cleaned text to its token ids, including special tokens. It does not truncate them. */
export interface Algorithm {
  idsOf(text: string): number[];
  /**
   * True when no token spans several words. The first words of a text then have the same tokens as in the whole text.
   */
  readsByWord: boolean;
}
