import type { Cleaning } from '../model.ts';
import { canonicalLikeOpenClip, cleanLikeOpenClip, repairLikeOpenClip } from './openclip-cleaning.ts';
import { canonical } from './siglip-cleaning.ts';

interface CleaningSteps {
  /** Cleans the first `length` UTF-16 units exactly as the whole text would be cleaned. May ignore `length`. */
  clean(text: string, length: number): string;
  /** True when `clean` replaces the normalizer in `tokenizer.json`. */
  replacesNormalizer: boolean;
}

export const cleaningSteps: Record<Cleaning, CleaningSteps> = {
  // The normalizer in `tokenizer.json` would compose accents after the last HTML entities are decoded, which OpenCLIP
  // does not.
  openclip: { clean: cleanLikeOpenClip, replacesNormalizer: true },
  'openclip-cased': { clean: repairLikeOpenClip, replacesNormalizer: false },
  'openclip-canonical': { clean: canonicalLikeOpenClip, replacesNormalizer: false },
  siglip: { clean: (text) => canonical(text), replacesNormalizer: false },
  lower: { clean: (text, length) => text.slice(0, length).toLowerCase(), replacesNormalizer: false },
  none: { clean: (text, length) => text.slice(0, length), replacesNormalizer: false },
};
