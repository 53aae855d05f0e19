import type { Cleaning } from '../model.ts';

/**
 * The version of the text recipe in receipts, cache keys and batches. Increase the last number when a code change
 * changes token ids.
 */
export const textVersions: Record<Cleaning, string> = {
  openclip: 'openclip-3.3-1',
  'openclip-cased': 'openclip-cased-3.3-1',
  'openclip-canonical': 'openclip-canonical-3.3-1',
  siglip: 'siglip-1',
  lower: 'lower-1',
  none: 'none-1',
};
