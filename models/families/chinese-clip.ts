import { type ClipKind, modelTypeOf, openAi, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'chinese-clip',
  reference: 'transformers',
  defaults: { dimensions: 512, contextLength: 52, imageSize: 224 },
  image: { resize: 'squash', filter: 'bicubic', rgb: 'before-resize', ...openAi },
  // BERT, the text model, has 512 positions. The reference processor truncates texts at 52 tokens, which no file
  // states.
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
 * Chinese-CLIP, with BERT's WordPiece tokenizer. Images are squashed to a square without a crop, although the files
 * state a `crop_size`.
 */
export const chineseClip: ModelFamily = {
  name: 'chinese-clip',
  accepts: (files) => modelTypeOf(files) === 'chinese_clip',
  read: (files, stated) => readClip(kind, files, stated),
};
