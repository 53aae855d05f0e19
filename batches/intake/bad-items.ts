import type { ItemStream } from '../../formats/items.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';

/**
 * The number of unreadable items that every upload may have, regardless of its size. An upload is refused when its
 * first items up to this number are all unreadable.
 */
const freeBadItems = 1_000;
/**
 * Beyond `freeBadItems`, an upload may have one unreadable item for each of this many bytes that it has sent,
 * compressed or not. An unreadable row of a table takes about 10 bytes in gzip. Before this limit existed, an upload of
 * half a million copies of one short line took 1,006 bytes, and its items took 100 MB of Redis.
 */
const bytesPerBadItem = 4;

/**
 * Passes the items of an upload on unchanged. Throws when too many items are unreadable in relation to the number of
 * bytes received.
 * @param sent returns the number of bytes received so far, before decompression.
 * @throws {ServiceError} `request.invalid`
 */
export async function* boundBadItems(items: ItemStream, sent: () => number): AsyncGenerator<StoredItem[]> {
  let good = 0;
  let bad = 0;
  let first = '';
  for await (const slice of items) {
    for (const item of slice) {
      if (!('error' in item)) good++;
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
