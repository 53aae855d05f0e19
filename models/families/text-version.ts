import type { Cleaning } from '../model.ts';

/**
 * The version of the text recipe, by text cleaning. The number at the end of a version must be increased when a change
 * of the code changes the ids that reach a tower. The version is part of receipts, cache keys and batches.
 */
export const textVersions: Record<Cleaning, string> = {
  openclip: 'openclip-3.3-1',
  'openclip-cased': 'openclip-cased-3.3-1',
  'openclip-canonical': 'openclip-canonical-3.3-1',
  siglip: 'siglip-1',
  lower: 'lower-1',
  none: 'none-1',
};
