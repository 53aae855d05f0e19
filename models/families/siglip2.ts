import type { ModelFamily } from './family.ts';
import { hasGemmaTokenizer, isSiglip, readSiglip, type SiglipGeneration } from './siglip.ts';

/**
 * Texts are lowercased, then split by Gemma's BPE tokenizer. Transformers lowercases because of `do_lower_case` in
 * `tokenizer_config.json`; `tokenizer.json` has no such step.
 */
const generation: SiglipGeneration = {
  family: 'siglip2',
  filter: 'bilinear',
  clean: 'lower',
  pieces: 'tokenizer.model',
  pad: 0,
};

/** SigLIP 2 with a fixed resolution. */
export const siglip2: ModelFamily = {
  name: 'siglip2',
  accepts: (files) => isSiglip(files) && hasGemmaTokenizer(files),
  read: (files, stated) => readSiglip(generation, files, stated),
};
