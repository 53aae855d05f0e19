import type { ModelFamily } from './family.ts';
import { sentencePieceIn } from './sentencepiece-in.ts';
import { end, hasGemmaTokenizer, isSiglip, readSiglip, type SiglipGeneration } from './siglip.ts';
import { textVersions } from './text-version.ts';

/**
 * Text recipe of SigLIP 2: lower case, then Gemma's BPE. `tokenizer_config.json` has `do_lower_case`, which the
 * reference applies before the tokenizer; `tokenizer.json` does not lower the case.
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
