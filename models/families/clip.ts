import { type ClipKind, modelTypeOf, openAi, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { hasOtherTokenizer } from './open-clip.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'clip',
  reference: 'open_clip',
  // Transformers omits these values from `config.json`, because they are its defaults.
  defaults: { dimensions: 512, contextLength: 77, imageSize: 224 },
  image: { resize: 'crop', filter: 'bicubic', rgb: 'after-resize', ...openAi },
  positionsAreTokens: true,
  text: (_files, maxTokens) => ({
    clean: 'openclip',
    tokenizer: { kind: 'json' },
    maxTokens,
    // OpenCLIP's padding. It has no effect: in a causal text model, an embedding does not depend on tokens after the
    // end token.
    pad: { id: 0, to: 0 },
    mask: true,
    version: textVersions.openclip,
  }),
};

/**
 * CLIP of OpenAI and OpenCLIP, with byte-level BPE and a causal text model. Folders that name no family count as CLIP.
 */
export const clip: ModelFamily = {
  name: 'clip',
  accepts: (files) =>
    [undefined, 'clip'].includes(modelTypeOf(files) as undefined | string) && !hasOtherTokenizer(files),
  read: (files, stated) => readClip(kind, files, stated),
};
