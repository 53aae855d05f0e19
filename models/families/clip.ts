import { type ClipKind, modelTypeOf, openAi, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { hasOtherTokenizer } from './open-clip.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'clip',
  reference: 'open_clip',
  // transformers omits these values when it saves a `config.json`.
  defaults: { dimensions: 512, contextLength: 77, imageSize: 224 },
  image: { resize: 'crop', filter: 'bicubic', rgb: 'after-resize', ...openAi },
  positionsAreTokens: true,
  text: (_files, maxTokens) => ({
    clean: 'openclip',
    tokenizer: { kind: 'json' },
    maxTokens,
    // As OpenCLIP. A causal tower does not see it.
    pad: { id: 0, to: 0 },
    mask: true,
    version: textVersions.openclip,
  }),
};

/**
 * CLIP by OpenAI and OpenCLIP, with byte-level BPE and a causal text tower. Also the family of a model folder that
 * names no family.
 */
export const clip: ModelFamily = {
  name: 'clip',
  accepts: (files) =>
    [undefined, 'clip'].includes(modelTypeOf(files) as undefined | string) && !hasOtherTokenizer(files),
  read: (files, stated) => readClip(kind, files, stated),
};
