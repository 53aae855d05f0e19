import type { z } from 'zod';
import {
  type BatchItem,
  batchItem,
  type ImageSource,
  maxAddressLength,
  maxIdLength,
  maxTextLength,
  unreadableItem,
} from '../shared/contracts/item.ts';
import type { LineRequest } from '../shared/contracts/requests.ts';
import { excerpt, type ItemError, itemError, type RequestFault, ServiceError } from '../shared/errors.ts';
import { inOurWords, missing } from '../shared/validation-words.ts';
import { isObject, notObject } from './json-text.ts';
import { placedFault } from './placed-fault.ts';

/** An item that was read: a valid item, or an error with the fields that its result shows to the client. */
export type ReadItem = (BatchItem & LineOf) | (Partial<BatchItem> & { error: ItemError });

/** The request in a line of an OpenAI batch. The image and text of such an item are empty. */
interface LineOf {
  request?: LineRequest;
}

/** Groups of items in file order. An empty group shows that bytes have arrived. */
export type ItemStream = AsyncIterable<ReadItem[]> | Iterable<ReadItem[]>;

/** The treatment of a bad item. `lenient`: only this item fails. `strict`: the whole batch is refused. */
export type Strictness = 'lenient' | 'strict';

/** The columns with image, text and id. */
type Columns = Readonly<Record<'image' | 'text' | 'id', string>>;

/** An item before validation, as the client sent it. */
export interface RawItem {
  image?: unknown;
  text?: unknown;
  id?: unknown;
  metadata?: Record<string, unknown>;
}

/**
 * Validates an item. A numeric id becomes text. Null counts as an absent id or metadata, since pandas writes it for
 * missing values.
 * @param where the item's position for messages, such as `line 7` or `items[3]`.
 * @param columns the columns of a table, for messages.
 * @throws {ServiceError} `request.invalid` for a bad item if `strictness` is `strict`.
 */
export function toReadItem(raw: unknown, where: string, strictness: Strictness, columns?: Columns): ReadItem {
  if (!isObject(raw)) return badItem([{ path: '', message: notObject(raw) }], where, strictness);
  const given = plainItem(raw);
  if (given['clientError'] !== undefined) return readUnreadable(given, where, strictness);
  const parsed = batchItem.safeParse(given, { error: inItemWords });
  if (parsed.success) {
    // Metadata of the unvalidated item: validation would drop a key named `__proto__`.
    const { metadata } = given as RawItem;
    const item = { ...parsed.data, ...(metadata !== undefined && { metadata }) };
    const { text } = item;
    // Texts above twice the maximum length are refused here, before they are stored. The worker checks the others.
    if (text.length <= 2 * maxTextLength) return item;
    const message = `the text has ${text.length} characters, more than ${maxTextLength}`;
    if (strictness === 'strict') return badItem([{ path: 'text', message }], where, strictness);
    return { ...echoOf(item), error: itemError('text.too_long', `${where}: ${message}`) };
  }
  const faults = faultsOf(parsed.error, given);
  const named = columns === undefined ? faults : faults.map((fault) => nameColumn(fault, columns));
  return badItem(named, where, strictness, given);
}

/** Returns an item that the client could not read, with the client's error. */
function readUnreadable(given: Record<string, unknown>, where: string, strictness: Strictness): ReadItem {
  const { success, data, error } = unreadableItem.safeParse(given, { error: inItemWords });
  if (!success) return badItem(faultsOf(error, given), where, strictness, given);
  const { code, message } = data.clientError;
  return { ...echoOf(given), error: itemError(code, message.toWellFormed()) };
}

const faultsOf = ({ issues }: z.ZodError, given: Record<string, unknown>): RequestFault[] =>
  issues.slice(0, 5).map(({ path, message }) => ({
    path: path.join('.'),
    message: path.length === 1 && given[String(path[0])] === undefined ? missing : message,
  }));

interface FieldFault extends RequestFault {
  /** True when the message names the field itself. */
  isNamed?: boolean;
}

/** Returns the fault with the name of the column in its message. A missing value is an empty cell. */
function nameColumn({ path, message }: RequestFault, columns: Columns): FieldFault {
  if (path !== 'image' && path !== 'text' && path !== 'id') return { path, message };
  const column = `column ${excerpt(columns[path], 100)}`;
  const said = message === missing ? 'is empty' : message;
  return { path, message: said.startsWith('is ') ? `${column} ${said}` : `${column}: ${said}`, isNamed: true };
}

/**
 * Drops `error`, and an id, metadata or client error of null. Files of failed items, which have the field `error`, can
 * be uploaded again.
 */
function plainItem({ id, metadata, clientError, error: _, ...item }: Record<string, unknown>): Record<string, unknown> {
  return {
    ...item,
    ...(id !== undefined && id !== null && { id: idOf(id) }),
    ...(metadata !== undefined && metadata !== null && { metadata }),
    ...(clientError !== undefined && clientError !== null && { clientError }),
  };
}

function idOf(id: unknown): unknown {
  if (typeof id === 'number') return String(id);
  return JSON.isRawJSON(id) ? id.rawJSON : id;
}

/** Adds the fields of an item to the message about an unknown one. */
const inItemWords: z.core.$ZodErrorMap = (issue) => {
  const said = inOurWords(issue);
  if (issue.code !== 'unrecognized_keys' || (issue.path ?? []).length > 0) return said;
  return `${said}; an item has image, text, id and metadata, and other data belongs in metadata`;
};

/** The error codes for an item that cannot be read or validated. */
export type ItemFault = 'item.invalid' | 'item.too_large' | 'item.too_deep' | 'item.encoding';

/**
 * Returns a failed item.
 * @param raw the input. Its short fields are repeated, so that the client can recognise the item.
 * @throws {ServiceError} `request.invalid` if `strictness` is `strict`.
 */
export function badItem(
  faults: readonly FieldFault[],
  where: string,
  strictness: Strictness,
  raw: unknown = {},
  code: ItemFault = 'item.invalid',
): ReadItem {
  const said = faults
    .map(({ path, message, isNamed }) => (path === '' || isNamed ? message : `${path}: ${message}`))
    .join('; ')
    .toWellFormed();
  const message = placedFault(where, said);
  if (strictness === 'strict') {
    const placed = faults.map(({ path, message }) => ({ path: path === '' ? where : `${where}.${path}`, message }));
    throw new ServiceError('request.invalid', message, { faults: placed });
  }
  return { ...echoOf(raw), error: itemError(code, message) };
}

/** Returns the fields of a bad item that its result shows. U+FFFD replaces undecodable characters. */
function echoOf(raw: unknown): Partial<BatchItem> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return {};
  const { image, text, id, metadata } = raw as RawItem;
  const echoed = {
    image: isShort(image) ? wellFormed(image) : undefined,
    text: typeof text === 'string' && text.length <= 2 * maxTextLength ? text.toWellFormed() : undefined,
    id: typeof id === 'string' && id.length <= maxIdLength ? id.toWellFormed() : undefined,
    metadata: isPlain(metadata) ? wellFormed(metadata) : undefined,
  };
  return Object.fromEntries(Object.entries(echoed).filter(([, value]) => value !== undefined));
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns true for an image that a failed item's result may show. Inline images would take too much space. */
const isShort = (image: unknown): image is ImageSource =>
  typeof image === 'string'
    ? image.length <= maxAddressLength
    : isPlain(image) && !('base64' in image) && batchItem.shape.image.safeParse(image).success;

function wellFormed<Value>(value: Value): Value {
  if (typeof value === 'string') return value.toWellFormed() as Value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  if (entries.every(([, cell]) => typeof cell !== 'string' || cell.isWellFormed())) return value;
  return Object.fromEntries(
    entries.map(([name, cell]) => [name, typeof cell === 'string' ? cell.toWellFormed() : cell]),
  ) as Value;
}

/** Validates a list 256 items at a time, so that it does not block the event loop. */
export function* itemsOfList(list: readonly unknown[], strictness: Strictness): Generator<ReadItem[]> {
  const slice = 256;
  for (let at = 0; at < list.length; at += slice) {
    yield list.slice(at, at + slice).map((raw, offset) => toReadItem(raw, `items[${at + offset}]`, strictness));
  }
}
