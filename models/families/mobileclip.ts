import { type ClipKind, readClip } from './clip-facts.ts';
import type { ModelFamily } from './family.ts';
import { hasOtherTokenizer, openClipConfigIn } from './open-clip.ts';
import { textVersions } from './text-version.ts';

const kind: ClipKind = {
  family: 'mobileclip',
  reference: 'open_clip',
  defaults: { dimensions: 512, contextLength: 77, imageSize: 256 },
  image: { resize: 'crop', filter: 'bilinear', rgb: 'after-resize', mean: [0, 0, 0], std: [1, 1, 1] },
  positionsAreTokens: true,
  text: (_files, maxTokens) => ({
    clean: 'openclip',
    tokenizer: { kind: 'json' },
    maxTokens,
    // Without a causal mask, an embedding depends on the padding.
    pad: { id: 0, to: maxTokens },
    mask: true,
    version: textVersions.openclip,
  }),
};

/**
 * MobileCLIP and MobileCLIP2 in the S sizes, whose text models have no causal mask. Their `config.json` looks like
 * CLIP's, so without OpenCLIP's configuration the registry entry must name the family.
 */
export const mobileclip: ModelFamily = {
  name: 'mobileclip',
  accepts: (files) => openClipConfigIn(files)?.model.text_cfg.no_causal_mask === true && !hasOtherTokenizer(files),
  read: (files, stated) => readClip(kind, files, stated),
};
