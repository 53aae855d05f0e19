import { SentencePieceProcessor } from '@agnai/sentencepiece-js';
import type { Algorithm } from './algorithm.ts';

/**
 * SentencePiece itself, as WebAssembly: the reference of SigLIP. `@huggingface/tokenizers` makes a space of U+200D and
 * differs for a few other characters.
 * @param path a model of SentencePiece.
 * @param end id that follows each text.
 * @throws {Error} naming the file when it is not such a model.
 */
export async function loadSentencePiece(path: string, end: number): Promise<Algorithm> {
  const processor = new SentencePieceProcessor();
  await processor.load(path);
  // A file that is not a model is loaded without an error, and then no text has any piece.
  if (processor.encodeIds('a').length === 0) throw new Error(`${path} is not a model of SentencePiece`);
  return { idsOf: (text) => [...processor.encodeIds(text.toWellFormed()), end], readsByWord: false };
}
