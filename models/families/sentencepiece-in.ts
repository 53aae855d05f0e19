import type { SentencePieceIds, TextRecipe } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/**
 * Chooses SentencePiece as the tokenizer when its model file is in the folder, because `@huggingface/tokenizers`
 * returns other ids for some texts. The version states which tokenizer is used.
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
