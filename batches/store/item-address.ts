import type { StoredItem } from './payload.ts';

/** The maximum length of the address of an image that responses contain, in UTF-16 units. */
const maxLength = 2_048;

/**
 * Returns the HTTP address of the image of an item. Returns null if the image has no HTTP address or a too long one, or
 * if the item could not be read.
 */
export function addressOf(item: StoredItem | undefined): string | null {
  if (item === undefined || 'error' in item) return null;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && address.length <= maxLength ? address : null;
}
