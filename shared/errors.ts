/**
 * Every error code of the service, a closed list. `status` is the HTTP status of a request that fails with the code.
 * `retryable` is true if the same input may succeed later.
 */
export const codes = {
  'image.source_invalid': { status: 422, retryable: false, title: 'The image source is invalid' },
  'image.fetch.http_status': {
    status: 422,
    retryable: false,
    title: 'The image host does not have the image or refuses to send it',
  },
  'image.fetch.unavailable': { status: 502, retryable: true, title: 'The image host is overloaded or fails' },
  'image.fetch.timeout': { status: 504, retryable: true, title: 'The image download took too long' },
  'image.fetch.unknown_host': {
    status: 422,
    retryable: false,
    title: 'The image host does not exist or has no address',
  },
  'image.fetch.dns': { status: 422, retryable: true, title: 'The image host could not be resolved' },
  'image.fetch.network': { status: 422, retryable: true, title: 'The connection to the image host failed' },
  'image.fetch.tls': { status: 422, retryable: false, title: 'The image host has no valid certificate' },
  'image.fetch.protocol': { status: 422, retryable: false, title: 'The image host does not speak HTTP' },
  'image.fetch.blocked_address': { status: 422, retryable: false, title: 'The image address is not allowed' },
  'image.fetch.too_many_redirects': {
    status: 422,
    retryable: false,
    title: 'The image address has too many redirects',
  },
  'image.file.refused': { status: 422, retryable: false, title: 'The image path is not a file that may be read' },
  'image.file.not_found': { status: 422, retryable: false, title: 'The image file does not exist' },
  'image.too_large': { status: 422, retryable: false, title: 'The image file is too large' },
  'image.too_many_pixels': { status: 422, retryable: false, title: 'The image has too many pixels' },
  'image.unsupported_format': {
    status: 422,
    retryable: false,
    title: 'The bytes are not an image of a supported format',
  },
  'image.corrupt': { status: 422, retryable: false, title: 'The image is damaged' },
  'image.decode_timeout': { status: 422, retryable: false, title: 'Decoding the image took too long' },
  'image.not_stored': {
    status: 422,
    retryable: false,
    title: 'The earlier batch has no embedding of this image',
  },
  'text.empty': { status: 422, retryable: false, title: 'The text is empty' },
  'text.too_long': { status: 422, retryable: false, title: 'The text is too long' },
  'item.too_large': { status: 422, retryable: false, title: 'The item is too large' },
  'item.too_deep': { status: 422, retryable: false, title: 'The item is nested too deeply' },
  'item.encoding': { status: 422, retryable: false, title: 'The item has bytes that are invalid in its encoding' },
  'item.invalid': { status: 422, retryable: false, title: 'The item is not a valid pair of image and text' },
  'model.unknown': { status: 400, retryable: false, title: 'No profile or model has this name' },
  'model.unavailable': { status: 503, retryable: true, title: 'The model is not available' },
  'request.malformed_json': { status: 400, retryable: false, title: 'The body is not valid JSON' },
  'request.encoding': { status: 400, retryable: false, title: 'The body has bytes that are invalid in its encoding' },
  'request.invalid': { status: 400, retryable: false, title: 'The request does not match the contract' },
  'request.too_large': { status: 413, retryable: false, title: 'The body is too large' },
  'request.too_deep': { status: 400, retryable: false, title: 'The body is nested too deeply' },
  'request.unsupported_media_type': { status: 415, retryable: false, title: 'The content type is not supported' },
  'request.not_acceptable': {
    status: 406,
    retryable: false,
    title: 'The client accepts none of the supported response formats',
  },
  'request.aborted': { status: 400, retryable: true, title: 'The request ended before its body was complete' },
  'request.timeout': { status: 408, retryable: true, title: 'The body did not arrive in time' },
  'request.unknown_host': {
    status: 421,
    retryable: false,
    title: 'This service does not serve the host in the Host header',
  },
  'request.foreign_origin': { status: 403, retryable: false, title: 'The request comes from a page of another origin' },
  'access.key_missing': { status: 401, retryable: false, title: 'An API key is required' },
  'access.key_invalid': { status: 401, retryable: false, title: 'The API key is not valid' },
  'access.throttled': { status: 429, retryable: true, title: 'Too many invalid keys came from this address' },
  'access.operator_only': { status: 403, retryable: false, title: 'An operator key is required' },
  'tenant.rate_limited': { status: 429, retryable: true, title: 'The tenant sends too many requests' },
  'tenant.queue_full': { status: 429, retryable: true, title: 'The tenant has too many items in unfinished batches' },
  'tenant.too_many_streams': {
    status: 429,
    retryable: true,
    title: 'The tenant has too many open streams',
  },
  'route.not_found': { status: 404, retryable: false, title: 'The path does not exist' },
  'route.method_not_allowed': { status: 405, retryable: false, title: 'The path does not support this method' },
  'traffic.not_shared': { status: 404, retryable: false, title: 'The traffic of this profile is not shared' },
  'traffic.no_canary': { status: 409, retryable: false, title: 'No canary is configured for this profile' },
  'batch.not_found': { status: 404, retryable: false, title: 'The batch does not exist' },
  'batch.empty': { status: 422, retryable: false, title: 'The batch has no items' },
  'batch.too_many_items': {
    status: 413,
    retryable: false,
    title: 'The batch has more items than the limit allows',
  },
  'batch.not_finished': { status: 409, retryable: true, title: 'The batch is still running' },
  'batch.nothing_to_retry': { status: 409, retryable: false, title: 'The batch has no failed items' },
  'batch.input_expired': { status: 409, retryable: false, title: 'The items of the batch are no longer stored' },
  'batch.no_image': { status: 404, retryable: false, title: 'The batch stores no image of this item' },
  'batch.no_embeddings': { status: 409, retryable: false, title: 'The batch does not store these embeddings' },
  'batch.other_model': { status: 409, retryable: false, title: 'The batch was evaluated by another model' },
  'batch.other_sample': {
    status: 409,
    retryable: false,
    title: 'The batch has another sample of judged pairs, or none',
  },
  'batch.interrupted': { status: 503, retryable: true, title: 'The batch could not be stored completely' },
  'file.not_found': { status: 404, retryable: false, title: 'The file does not exist' },
  'storage.outside': { status: 403, retryable: false, title: 'The tenant may not use this location in a bucket' },
  'storage.not_found': { status: 422, retryable: false, title: 'The object does not exist in the bucket' },
  'storage.forbidden': { status: 422, retryable: false, title: 'The service has no permission to access the bucket' },
  'storage.changed': { status: 409, retryable: false, title: 'The object has changed since it was posted' },
  'storage.unavailable': { status: 503, retryable: true, title: 'The bucket is not available' },
  'idempotency.in_flight': {
    status: 409,
    retryable: true,
    title: 'A request with this idempotency key is still being received',
  },
  'idempotency.mismatch': { status: 422, retryable: false, title: 'This idempotency key was used with another body' },
  'queue.full': { status: 507, retryable: true, title: 'The queue is full' },
  'queue.unavailable': { status: 503, retryable: true, title: 'The queue is not available' },
  overloaded: { status: 503, retryable: true, title: 'The service is overloaded' },
  cancelled: { status: 409, retryable: false, title: 'The item was cancelled before it was evaluated' },
  'internal.poison': { status: 500, retryable: false, title: 'The item crashes every process that evaluates it' },
  internal: { status: 500, retryable: true, title: 'The service failed' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

export type Code = keyof typeof codes;

/** All codes, in the order of the documentation. */
export const codeNames = Object.keys(codes) as [Code, ...Code[]];

/** The codes that a client may give to an item that it could not read. Only the service downloads images. */
export type ClientCode = Exclude<Extract<Code, `${'image' | 'text' | 'item'}.${string}`>, `image.fetch.${string}`>;

const isClientCode = (code: Code): code is ClientCode => /^(image\.(?!fetch\.)|text\.|item\.)/.test(code);

export const clientCodes = codeNames.filter(isClientCode) as [ClientCode, ...ClientCode[]];

export const isCode = (value: unknown): value is Code => typeof value === 'string' && Object.hasOwn(codes, value);

/** The maximum length of an error message in UTF-16 units. Messages may quote untrusted input. */
const maxMessage = 1_000;
/**
 * The maximum length of an item's error message in UTF-16 units. It is stored with each result, and a batch may have a
 * million.
 */
export const maxItemMessage = 500;
/**
 * The maximum number of reported errors per request, and the maximum lengths of their paths and messages in UTF-16
 * units.
 */
export const maxFaults = 20;
const maxFaultPath = 200;
const maxFaultMessage = 300;

/**
 * Shortens a text to at most `most` UTF-16 units, ending with an ellipsis. Half of a split surrogate pair becomes
 * U+FFFD.
 */
export const excerpt = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;

/** An error with a stable code and a message of limited length for the caller. */
export class ServiceError extends Error {
  override name = 'ServiceError';
  readonly code: Code;
  /** The time in s after which the same request may succeed; sent as `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** The errors of single fields, at most {@link maxFaults}. */
  readonly faults: readonly RequestFault[] | undefined;

  constructor(
    code: Code,
    message: string,
    more: { cause?: unknown; retryAfter?: number; faults?: readonly RequestFault[] } = {},
  ) {
    super(excerpt(message, maxMessage), more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.retryAfter = more.retryAfter;
    this.faults = more.faults?.slice(0, maxFaults).map((fault) => ({
      path: excerpt(fault.path, maxFaultPath),
      message: excerpt(fault.message, maxFaultMessage),
    }));
  }
}

/** An error in one field, with its path (such as `items[3].image`). */
export interface RequestFault {
  path: string;
  message: string;
}

export interface ItemError {
  code: Code;
  message: string;
  retryable: boolean;
}

/** Converts a thrown value. A value without a code becomes `internal`. */
export function toItemError(error: unknown): ItemError {
  const code = error instanceof ServiceError ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  return itemError(code, message);
}

/** Creates an item's error, with its message cut to {@link maxItemMessage}. */
export const itemError = (code: Code, message: string): ItemError => ({
  code,
  message: excerpt(message, maxItemMessage),
  retryable: codes[code].retryable,
});
