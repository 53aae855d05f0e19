import type { ModelFamily } from './family.ts';
import { sentencePieceIn } from './sentencepiece-in.ts';
import { end, hasGemmaTokenizer, isSiglip, readSiglip, type SiglipGeneration } from './siglip.ts';
import { textVersions } from './text-version.ts';

/**
 * Texts of SigLIP 2: lower case, then Gemma's BPE. `tokenizer.json` does not lower: `tokenizer_config.json` says
 * `do_lower_case`, and the reference does it before the tokenizer.
 */
const text: SiglipGeneration['text'] = (files, maxTokens) => ({
  clean: 'lower',
  ...sentencePieceIn(files, 'tokenizer.model', { end }, textVersions.lower),
  maxTokens,
  pad: { id: 0, to: maxTokens },
  mask: false,
});

/** SigLIP 2 at a fixed resolution. */
export const siglip2: ModelFamily = {
  name: 'siglip2',
  accepts: (files) => isSiglip(files) && hasGemmaTokenizer(files),
  read: (files, stated) => readSiglip({ family: 'siglip2', filter: 'bilinear', text }, files, stated),
};
