/** The part of the package that is used here; it has no types of its own. */
declare module '@agnai/sentencepiece-js' {
  export class SentencePieceProcessor {
    /** @param path of a file. */
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
