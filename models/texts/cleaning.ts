import type { Cleaning } from '../model.ts';
import { cleanLikeOpenClip, repairLikeOpenClip } from './openclip-cleaning.ts';
import { canonical } from './siglip-cleaning.ts';

/** What happens to a text before the tokenizer. */
interface CleaningSteps {
  /** @param length how much of the text is needed, in UTF-16 units; as far as this it is read as part of the whole. */
  clean(text: string, length: number): string;
  /** The reference has no other normalisation: that of `tokenizer.json` is left out. */
  replacesNormalizer: boolean;
}

export const cleaningSteps: Record<Cleaning, CleaningSteps> = {
  // The reference composes accents before it decodes the last entities, and not after.
  openclip: { clean: cleanLikeOpenClip, replacesNormalizer: true },
  'openclip-cased': { clean: repairLikeOpenClip, replacesNormalizer: false },
  siglip: { clean: (text) => canonical(text), replacesNormalizer: false },
  lower: { clean: (text, length) => text.slice(0, length).toLowerCase(), replacesNormalizer: false },
  none: { clean: (text, length) => text.slice(0, length), replacesNormalizer: false },
};
