import type { Cleaning } from '../model.ts';
import { canonicalLikeOpenClip, cleanLikeOpenClip, repairLikeOpenClip } from './openclip-cleaning.ts';
import { canonical } from './siglip-cleaning.ts';

/** The cleaning of a text before it is tokenized. */
interface CleaningSteps {
  /**
   * Cleans the beginning of a text, in the way in which it would be cleaned as part of the whole text. Some algorithms
   * clean the whole text anyway. @param length the length of the beginning in UTF-16 units.
   */
  clean(text: string, length: number): string;
  /**
   * True when `clean` includes all normalisation of the reference library. The normalizer in `tokenizer.json` is then
   * not used.
   */
  replacesNormalizer: boolean;
}

export const cleaningSteps: Record<Cleaning, CleaningSteps> = {
  // OpenCLIP composes accents before it decodes the last HTML entities, but not afterwards. The normalizer in
  // `tokenizer.json` would compose accents a second time, so it is not used.
  openclip: { clean: cleanLikeOpenClip, replacesNormalizer: true },
  'openclip-cased': { clean: repairLikeOpenClip, replacesNormalizer: false },
  'openclip-canonical': { clean: canonicalLikeOpenClip, replacesNormalizer: false },
  siglip: { clean: (text) => canonical(text), replacesNormalizer: false },
  lower: { clean: (text, length) => text.slice(0, length).toLowerCase(), replacesNormalizer: false },
  none: { clean: (text, length) => text.slice(0, length), replacesNormalizer: false },
};
