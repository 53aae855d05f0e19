import { type ClipKind, modelTypeOf, openAi, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { hasOtherTokenizer } from './open-clip.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'clip',
  reference: 'open_clip',
  // The values that transformers omits when it saves a `config.json`, because they are its defaults.
  defaults: { dimensions: 512, contextLength: 77, imageSize: 224 },
  image: { resize: 'crop', filter: 'bicubic', rgb: 'after-resize', ...openAi },
  positionsAreTokens: true,
  text: (_files, maxTokens) => ({
    clean: 'openclip',
    tokenizer: { kind: 'json' },
    maxTokens,
    // The padding has no effect on an embedding. (OpenCLIP also pads with id 0.) In a causal text tower, an embedding
    // does not depend on tokens after the end token.
    pad: { id: 0, to: 0 },
    mask: true,
    version: textVersions.openclip,
  }),
};

/**
 * The family CLIP, with models of OpenAI and OpenCLIP. They have a byte-level BPE tokenizer and a causal text tower. A
 * folder whose files do not name a family is also read as CLIP.
 */
export const clip: ModelFamily = {
  name: 'clip',
  accepts: (files) =>
    [undefined, 'clip'].includes(modelTypeOf(files) as undefined | string) && !hasOtherTokenizer(files),
  read: (files, stated) => readClip(kind, files, stated),
};
