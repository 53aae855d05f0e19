import type { SentencePieceIds, TextRecipe } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/**
 * Chooses the tokenizer of a model. If the model folder contains a SentencePiece model file, the SentencePiece library
 * is used, because `@huggingface/tokenizers` returns other ids for some texts. The returned version shows which
 * tokenizer was chosen.
 */
export function sentencePieceIn(
  files: FolderFiles,
  file: string,
  ids: SentencePieceIds,
  version: string,
): Pick<TextRecipe, 'tokenizer' | 'version'> {
  if (!files.has(file)) return { tokenizer: { kind: 'json' }, version };
  return { tokenizer: { kind: 'sentencepiece', file, ...ids }, version: `${version}-sentencepiece` };
}
