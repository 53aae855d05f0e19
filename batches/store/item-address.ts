import type { StoredItem } from './payload.ts';

/** The maximum length of a displayed address, in UTF-16 units. */
const maxLength = 2_048;

/**
 * Returns the HTTP address of the image of an item. Returns null for an image without such an address, for an address
 * that is too long, and for an item that could not be read.
 */
export function addressOf(item: StoredItem | undefined): string | null {
  if (item === undefined || 'error' in item) return null;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && address.length <= maxLength ? address : null;
}
