import type { Cleaning } from '../model.ts';
import { canonicalLikeOpenClip, cleanLikeOpenClip, repairLikeOpenClip } from './openclip-cleaning.ts';
import { canonical } from './siglip-cleaning.ts';

/** The cleaning of a text before it is tokenized. */
interface CleaningSteps {
  /**
   * Cleans the beginning of a text, in the same way as it would be cleaned within the whole text. Some algorithms clean
   * the whole text. @param length the length of the beginning in UTF-16 units.
   */
  clean(text: string, length: number): string;
  /**
   * True when `clean` does all the normalisation that the reference library does. The normalizer in `tokenizer.json` is
   * then not used.
   */
  replacesNormalizer: boolean;
}

export const cleaningSteps: Record<Cleaning, CleaningSteps> = {
  // OpenCLIP composes accents before it decodes the last HTML entities, and not again afterwards. The normalizer in
  // `tokenizer.json` would compose accents again.
  openclip: { clean: cleanLikeOpenClip, replacesNormalizer: true },
  'openclip-cased': { clean: repairLikeOpenClip, replacesNormalizer: false },
  'openclip-canonical': { clean: canonicalLikeOpenClip, replacesNormalizer: false },
  siglip: { clean: (text) => canonical(text), replacesNormalizer: false },
  lower: { clean: (text, length) => text.slice(0, length).toLowerCase(), replacesNormalizer: false },
  none: { clean: (text, length) => text.slice(0, length), replacesNormalizer: false },
};
