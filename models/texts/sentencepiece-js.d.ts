/** The used part of the package, which has no types. */
declare module '@agnai/sentencepiece-js' {
  export class SentencePieceProcessor {
    /** @param path of a file. */
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
