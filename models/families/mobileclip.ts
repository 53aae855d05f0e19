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
    // The text tower has no causal mask, so that an embedding depends on the padding of the text.
    pad: { id: 0, to: maxTokens },
    mask: true,
    version: textVersions.openclip,
  }),
};

/**
 * The family of MobileCLIP and MobileCLIP2 in the S sizes, whose text towers have no causal mask. Their `config.json`
 * looks like that of CLIP, so the registry entry must name the family when the configuration of OpenCLIP is missing.
 */
export const mobileclip: ModelFamily = {
  name: 'mobileclip',
  accepts: (files) => openClipConfigIn(files)?.model.text_cfg.no_causal_mask === true && !hasOtherTokenizer(files),
  read: (files, stated) => readClip(kind, files, stated),
};
