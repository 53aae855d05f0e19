/** Converts a clean text to all of its ids, special tokens included. */
export interface Algorithm {
  idsOf(text: string): number[];
  /** True when no token spans several words. The beginning of a text then has the same tokens as in the whole text. */
  readsByWord: boolean;
}
