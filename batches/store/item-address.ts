import type { StoredItem } from './payload.ts';

/** The maximum length of an image address in responses, in UTF-16 units. */
const maxLength = 2_048;

/** Returns the HTTP address of the image of an item, or null if it has none, or one that is too long. */
export function addressOf(item: StoredItem | undefined): string | null {
  if (item === undefined || 'error' in item) return null;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && address.length <= maxLength ? address : null;
}
