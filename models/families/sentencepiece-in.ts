import type { SentencePieceIds, TextRecipe } from '../model.ts';
import type { FolderFiles } from './folder-files.ts';

/**
 * Chooses the SentencePiece library if its model file exists, because `@huggingface/tokenizers` returns other ids for
 * some texts. The version shows the choice.
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
