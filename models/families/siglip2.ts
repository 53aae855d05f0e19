import type { ModelFamily } from './family.ts';
import { hasGemmaTokenizer, isSiglip, readSiglip, type SiglipGeneration } from './siglip.ts';

/**
 * Lower case, then Gemma's BPE. `tokenizer_config.json` has `do_lower_case`, which transformers applies before the
 * tokenizer; `tokenizer.json` does not lower the case.
 */
const generation: SiglipGeneration = {
  family: 'siglip2',
  filter: 'bilinear',
  clean: 'lower',
  pieces: 'tokenizer.model',
  pad: 0,
};

/** SigLIP 2 at a fixed resolution. */
export const siglip2: ModelFamily = {
  name: 'siglip2',
  accepts: (files) => isSiglip(files) && hasGemmaTokenizer(files),
  read: (files, stated) => readSiglip(generation, files, stated),
};
