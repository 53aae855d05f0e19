import { SentencePieceProcessor } from '@agnai/sentencepiece-js';
import type { SentencePieceIds } from '../model.ts';
import type { Algorithm } from './algorithm.ts';

/**
 * Loads the original SentencePiece library, compiled to WebAssembly. `@huggingface/tokenizers` differs from it and, for
 * example, replaces U+200D by a space.
 * @throws {Error} naming the file when it is not a SentencePiece model.
 */
export async function loadSentencePiece(path: string, { begin, end, fairseq }: SentencePieceIds): Promise<Algorithm> {
  const processor = new SentencePieceProcessor();
  await processor.load(path);
  // SentencePiece loads any file without an error. If the file is not a model, every text has no tokens.
  if (processor.encodeIds('a').length === 0) throw new Error(`${path} is not a model of SentencePiece`);
  const first = begin === undefined ? [] : [begin];
  const idOf = (id: number) => (fairseq === undefined ? id : id === 0 ? fairseq.unknown : id + fairseq.shift);
  return {
    idsOf: (text) => [...first, ...processor.encodeIds(text.toWellFormed()).map(idOf), end],
    readsByWord: false,
  };
}
