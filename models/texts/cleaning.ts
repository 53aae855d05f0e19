import type { Cleaning } from '../model.ts';
import { canonicalLikeOpenClip, cleanLikeOpenClip, repairLikeOpenClip } from './openclip-cleaning.ts';
import { canonical } from './siglip-cleaning.ts';

/** The steps before the tokenizer. */
interface CleaningSteps {
  /**
   * Cleans a text. @param length the number of UTF-16 units that are needed. They are cleaned as a part of the whole
   * text.
   */
  clean(text: string, length: number): string;
  /** True when the reference has no other normalisation, so that of `tokenizer.json` is skipped. */
  replacesNormalizer: boolean;
}

export const cleaningSteps: Record<Cleaning, CleaningSteps> = {
  // The reference composes accents before the last entities are decoded, and not again afterwards.
  openclip: { clean: cleanLikeOpenClip, replacesNormalizer: true },
  'openclip-cased': { clean: repairLikeOpenClip, replacesNormalizer: false },
  'openclip-canonical': { clean: canonicalLikeOpenClip, replacesNormalizer: false },
  siglip: { clean: (text) => canonical(text), replacesNormalizer: false },
  lower: { clean: (text, length) => text.slice(0, length).toLowerCase(), replacesNormalizer: false },
  none: { clean: (text, length) => text.slice(0, length), replacesNormalizer: false },
};
