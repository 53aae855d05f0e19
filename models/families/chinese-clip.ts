import { type ClipKind, modelTypeOf, openAi, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'chinese-clip',
  reference: 'transformers',
  defaults: { dimensions: 512, contextLength: 52, imageSize: 224 },
  image: { resize: 'squash', filter: 'bicubic', rgb: 'before-resize', ...openAi },
  // The text tower is BERT, which has 512 positions. However, the reference processor truncates texts at 52 tokens. The
  // files of the model do not state this number.
  positionsAreTokens: false,
  text: (_files, maxTokens) => ({
    clean: 'none',
    tokenizer: { kind: 'json' },
    maxTokens,
    pad: { id: 0, to: 0 },
    mask: true,
    version: textVersions.none,
  }),
};

/**
 * The family Chinese-CLIP. Texts are split by the WordPiece tokenizer of BERT. Images are resized to a square without a
 * crop ("squashed"), although the files of the model state a `crop_size`.
 */
export const chineseClip: ModelFamily = {
  name: 'chinese-clip',
  accepts: (files) => modelTypeOf(files) === 'chinese_clip',
  read: (files, stated) => readClip(kind, files, stated),
};
