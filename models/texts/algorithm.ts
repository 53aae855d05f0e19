/** From a clean text to all of its ids, special tokens included. */
export interface Algorithm {
  idsOf(text: string): number[];
  /** No token goes beyond a word, so that the beginning of a text has the tokens that it has in the whole. */
  readsByWord: boolean;
}
