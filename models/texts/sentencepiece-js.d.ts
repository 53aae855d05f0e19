/** The package has no types of its own. */
declare module '@agnai/sentencepiece-js' {
  export class SentencePieceProcessor {
    /** @param path the path of a SentencePiece model file. */
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
