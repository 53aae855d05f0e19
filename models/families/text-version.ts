import type { Cleaning } from '../model.ts';

/**
 * The versions of the text recipes. Increase a number when the ids that reach a tower change: the version is part of
 * receipts, cache keys and batches.
 */
export const textVersions: Record<Cleaning, string> = {
  openclip: 'openclip-3.3-1',
  'openclip-cased': 'openclip-cased-3.3-1',
  'openclip-canonical': 'openclip-canonical-3.3-1',
  siglip: 'siglip-1',
  lower: 'lower-1',
  none: 'none-1',
};
