import type { ModelFamily } from './family.ts';
import { hasGemmaTokenizer, isSiglip, readSiglip, type SiglipGeneration } from './siglip.ts';

/**
 * The properties of SigLIP 2. Texts are converted to lower case and then split by Gemma's BPE tokenizer.
 * `tokenizer_config.json` has `do_lower_case`: transformers converts texts to lower case before it calls the tokenizer.
 * The steps in `tokenizer.json` do not include this conversion.
 */
const generation: SiglipGeneration = {
  family: 'siglip2',
  filter: 'bilinear',
  clean: 'lower',
  pieces: 'tokenizer.model',
  pad: 0,
};

/** The family SigLIP 2, for models with a fixed resolution. */
export const siglip2: ModelFamily = {
  name: 'siglip2',
  accepts: (files) => isSiglip(files) && hasGemmaTokenizer(files),
  read: (files, stated) => readSiglip(generation, files, stated),
};
