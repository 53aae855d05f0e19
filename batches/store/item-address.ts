import type { StoredItem } from './payload.ts';

/** The maximum length of an address that is shown, in UTF-16 units. */
const maxLength = 2_048;

/**
 * Returns the HTTP address of an item's image. Returns null for an image without such an address, for a too long
 * address, and for an item that could not be read.
 */
export function addressOf(item: StoredItem | undefined): string | null {
  if (item === undefined || 'error' in item) return null;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && address.length <= maxLength ? address : null;
}
