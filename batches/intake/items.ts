import { type BatchItem, batchItem, maxTextLength } from '../../shared/contracts/item.ts';
import { itemError, type RequestFault, ServiceError } from '../../shared/errors.ts';
import type { StoredItem } from '../payload.ts';

/** Items as they come out of a body, in their order; an empty list says that bytes arrived and no item is whole yet. */
export type ItemStream = AsyncIterable<StoredItem[]> | Iterable<StoredItem[]>;

/** What becomes of a bad item: it fails alone, or it refuses the batch. */
export type Strictness = 'lenient' | 'strict';

/**
 * Turns what a client sent as an item into what is stored.
 * @param where place of the item for people: `line 7`, `items[3]`.
 * @throws {ServiceError} `request.invalid` for a bad item, when strict.
 */
export function toStoredItem(raw: unknown, where: string, strictness: Strictness): StoredItem {
  const parsed = batchItem.safeParse(withoutError(raw));
  if (parsed.success) {
    // Far over any limit: not worth storing and sending to a worker that would refuse it.
    if (parsed.data.text.length <= 2 * maxTextLength) return parsed.data;
    const { id, metadata, text } = parsed.data;
    const message = `the text has ${text.length} characters, more than ${maxTextLength}`;
    if (strictness === 'strict') return badItem([{ path: 'text', message }], where, strictness);
    return { id, metadata, error: itemError('text.too_long', `${where}: ${message}`) };
  }
  const faults = parsed.error.issues.slice(0, 5).map(({ path, message }) => ({ path: path.join('.'), message }));
  return badItem(faults, where, strictness, echoOf(raw));
}

/** What failed before comes with its error, as it stands in the file of failures; that is no part of the item. */
function withoutError(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || !('error' in raw)) return raw;
  const { error: _, ...item } = raw;
  return item;
}

/** What may be wrong with an item as a whole. */
export type ItemFault = 'item.invalid' | 'item.too_large' | 'item.too_deep';

/** An item that could not even be read. */
export function badItem(
  faults: readonly RequestFault[],
  where: string,
  strictness: Strictness,
  echoed: Pick<BatchItem, 'id' | 'metadata'> = {},
  code: ItemFault = 'item.invalid',
): StoredItem {
  const said = faults
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ')
    .toWellFormed();
  if (strictness === 'strict') {
    const placed = faults.map(({ path, message }) => ({ path: path === '' ? where : `${where}.${path}`, message }));
    throw new ServiceError('request.invalid', `${where}: ${said}`, { faults: placed });
  }
  return { ...echoed, error: itemError(code, `${where}: ${said}`) };
}

/** Whatever of a bad item can still be echoed, so that its owner recognises it. */
function echoOf(raw: unknown): Pick<BatchItem, 'id' | 'metadata'> {
  if (typeof raw !== 'object' || raw === null) return {};
  const { id, metadata } = batchItem.shape;
  return {
    id: id.safeParse('id' in raw ? raw.id : undefined).data,
    metadata: metadata.safeParse('metadata' in raw ? raw.metadata : undefined).data,
  };
}

/** Items of a JSON body, a slice at a time so that a long list does not hold the event loop. */
export function* itemsOfList(list: readonly unknown[], strictness: Strictness): Generator<StoredItem[]> {
  const slice = 256;
  for (let at = 0; at < list.length; at += slice) {
    yield list.slice(at, at + slice).map((raw, offset) => toStoredItem(raw, `items[${at + offset}]`, strictness));
  }
}
