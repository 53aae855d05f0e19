import type { ItemStream } from '../../formats/items.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../store/payload.ts';

/** Bad items that any upload may have. An upload that begins with so many and has not one good item is refused. */
const freeBadItems = 1_000;
/**
 * Bytes sent for each bad item beyond those, before they are decompressed. A bad row of a table takes some 10 bytes of
 * gzip; the same short line half a million times took 1,006 bytes in all, and 100 MB of Redis.
 */
const bytesPerBadItem = 4;

/**
 * Passes items on as long as bad ones stay in proportion to the bytes that their sender has sent.
 * @param sent bytes received so far, as they were sent.
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
      throw new ServiceError('request.invalid', `${bad} items cannot be read, too many for ${sent()} bytes. ${first}`);
    }
    yield slice;
  }
}
