/** Types for the part of the package that is used here. The package itself has no types. */
declare module '@agnai/sentencepiece-js' {
  export class SentencePieceProcessor {
    /** @param path the path of a SentencePiece model file. */
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
