import { type ClipKind, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { half } from './image-recipe.ts';
import { openClipConfigIn } from './open-clip.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'pe',
  reference: 'open_clip',
  defaults: { dimensions: 1024, contextLength: 32, imageSize: 224 },
  image: { resize: 'squash', filter: 'bilinear', rgb: 'after-resize', ...half },
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

/** Perception Encoder (PE core), recognised only by OpenCLIP's configuration. */
export const pe: ModelFamily = {
  name: 'pe',
  accepts: (files) => openClipConfigIn(files)?.model.vision_cfg.timm_model_name?.startsWith('vit_pe_core') ?? false,
  read: (files, stated) => readClip(kind, files, stated),
};
