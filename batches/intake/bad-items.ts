import type { ItemStream } from '../../formats/items.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';

/** Any upload may have this many unreadable items, unless its first items up to this number are all unreadable. */
const freeBadItems = 1_000;
/**
 * Beyond `freeBadItems`, one unreadable item is allowed for this many bytes sent. An unreadable table row takes about
 * 10 bytes in gzip. Without the limit, an upload of 1,006 bytes filled 100 MB of Redis.
 */
const bytesPerBadItem = 4;

/**
 * Passes items on. Throws when too many are unreadable for the bytes received.
 * @param sent returns the bytes received so far, before decompression.
 * @throws {ServiceError} `request.invalid`
 */
export async function* boundBadItems(items: ItemStream, sent: () => number): AsyncGenerator<StoredItem[]> {
  let good = 0;
  let bad = 0;
  let first = '';
  for await (const slice of items) {
    for (const item of slice) {
      // Readers find no errors of images, so the client sent this one. The item itself was readable.
      if (!('error' in item) || item.error.code.startsWith('image.')) good++;
      else if (++bad === 1) first = item.error.message;
    }
    if (bad >= freeBadItems && good === 0) {
      throw new ServiceError('request.invalid', `None of the first ${bad} items can be read. ${first}`);
    }
    if (bad > freeBadItems + sent() / bytesPerBadItem) {
      throw new ServiceError(
        'request.invalid',
        `${bad} items cannot be read, too many for an upload of ${sent()} bytes. ${first}`,
      );
    }
    yield slice;
  }
}
