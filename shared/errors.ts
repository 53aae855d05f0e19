/**
 * Every code this service answers with: the closed list that clients may switch on.
 * `status` is the HTTP status when the code ends a request; inside a batch the code stands on its item.
 * `retryable` says whether the same input may succeed later without being changed.
 */
export const codes = {
  'image.source_invalid': { status: 422, retryable: false, title: 'The image is given in a form that cannot be read' },
  'image.fetch.http_status': {
    status: 422,
    retryable: false,
    title: 'The image host has no such image, or refuses it',
  },
  'image.fetch.unavailable': { status: 502, retryable: true, title: 'The image host is overloaded or failing' },
  'image.fetch.timeout': { status: 504, retryable: true, title: 'The image did not arrive in time' },
  'image.fetch.dns': { status: 422, retryable: true, title: 'The image host could not be resolved' },
  'image.fetch.network': { status: 422, retryable: true, title: 'The connection to the image host failed' },
  'image.fetch.tls': { status: 422, retryable: false, title: 'The image host has no valid certificate' },
  'image.fetch.protocol': { status: 422, retryable: false, title: 'The image host does not answer in HTTP' },
  'image.fetch.blocked_address': { status: 422, retryable: false, title: 'The image address is not public' },
  'image.fetch.too_many_redirects': { status: 422, retryable: false, title: 'The image address redirects too often' },
  'image.file.refused': { status: 422, retryable: false, title: 'The image file is outside the configured roots' },
  'image.file.not_found': { status: 422, retryable: false, title: 'The image file does not exist' },
  'image.too_large': { status: 422, retryable: false, title: 'The image has too many bytes' },
  'image.too_many_pixels': { status: 422, retryable: false, title: 'The image has too many pixels' },
  'image.unsupported_format': {
    status: 422,
    retryable: false,
    title: 'The bytes are not an image of a supported format',
  },
  'image.corrupt': { status: 422, retryable: false, title: 'The image is damaged' },
  'image.decode_timeout': { status: 422, retryable: false, title: 'Decoding the image took too long' },
  'text.empty': { status: 422, retryable: false, title: 'The text is empty' },
  'text.too_long': { status: 422, retryable: false, title: 'The text is too long' },
  'item.too_large': { status: 422, retryable: false, title: 'The item has too many bytes' },
  'item.too_deep': { status: 422, retryable: false, title: 'The item is nested too deeply' },
  'item.encoding': { status: 422, retryable: false, title: 'The item has bytes that its encoding does not have' },
  'item.invalid': { status: 422, retryable: false, title: 'The item is not an image and a text' },
  'model.unknown': { status: 400, retryable: false, title: 'No profile or model has this name' },
  'model.unavailable': { status: 503, retryable: true, title: 'The model is not available here' },
  'request.malformed_json': { status: 400, retryable: false, title: 'The body is not JSON' },
  'request.encoding': { status: 400, retryable: false, title: 'The body has bytes that its encoding does not have' },
  'request.invalid': { status: 400, retryable: false, title: 'The request does not match the contract' },
  'request.too_large': { status: 413, retryable: false, title: 'The body is too large' },
  'request.too_deep': { status: 400, retryable: false, title: 'The body is nested too deeply' },
  'request.unsupported_media_type': { status: 415, retryable: false, title: 'The content type is not accepted here' },
  'request.not_acceptable': { status: 406, retryable: false, title: 'There is no answer in a form that is accepted' },
  'request.aborted': { status: 400, retryable: true, title: 'The request ended before its body was complete' },
  'request.timeout': { status: 408, retryable: true, title: 'The body did not arrive in time' },
  'request.unknown_host': { status: 421, retryable: false, title: 'The service does not go by this name' },
  'request.foreign_origin': { status: 403, retryable: false, title: 'The request comes from a page of another origin' },
  'access.key_missing': { status: 401, retryable: false, title: 'An API key is needed' },
  'access.key_invalid': { status: 401, retryable: false, title: 'The API key is not valid' },
  'access.throttled': { status: 429, retryable: true, title: 'Too many wrong keys came from this address' },
  'access.operator_only': { status: 403, retryable: false, title: 'This needs a key of an operator' },
  'tenant.rate_limited': { status: 429, retryable: true, title: 'The tenant sends too many requests' },
  'tenant.queue_full': { status: 429, retryable: true, title: 'The tenant has too much in its batches' },
  'tenant.too_many_streams': {
    status: 429,
    retryable: true,
    title: 'The tenant has too many long answers open',
  },
  'route.not_found': { status: 404, retryable: false, title: 'There is nothing at this path' },
  'route.method_not_allowed': { status: 405, retryable: false, title: 'The path does not answer this method' },
  'traffic.not_shared': { status: 404, retryable: false, title: 'One model has all traffic of this profile' },
  'traffic.no_canary': { status: 409, retryable: false, title: 'No canary is configured for this profile' },
  'batch.not_found': { status: 404, retryable: false, title: 'There is no such batch' },
  'batch.empty': { status: 422, retryable: false, title: 'The batch has no items' },
  'batch.too_many_items': {
    status: 413,
    retryable: false,
    title: 'The batch has more items than may ever wait at once',
  },
  'batch.not_finished': { status: 409, retryable: true, title: 'The batch is still running' },
  'batch.nothing_to_retry': { status: 409, retryable: false, title: 'The batch has no failed items' },
  'batch.input_expired': { status: 409, retryable: false, title: 'The items of the batch are no longer kept' },
  'batch.interrupted': { status: 503, retryable: true, title: 'The batch could not be stored completely' },
  'storage.outside': { status: 403, retryable: false, title: 'The tenant may not use this place in a bucket' },
  'storage.not_found': { status: 422, retryable: false, title: 'The object is not in the bucket' },
  'storage.forbidden': { status: 422, retryable: false, title: 'The bucket refuses the service' },
  'storage.changed': { status: 409, retryable: false, title: 'The object has been changed since it was posted' },
  'storage.unavailable': { status: 503, retryable: true, title: 'The bucket cannot be used now' },
  'idempotency.in_flight': { status: 409, retryable: true, title: 'A request with this key is still being received' },
  'idempotency.mismatch': { status: 422, retryable: false, title: 'This key was used with another body' },
  'queue.full': { status: 507, retryable: true, title: 'The queue has no room for more' },
  'queue.unavailable': { status: 503, retryable: true, title: 'The queue cannot be reached' },
  overloaded: { status: 503, retryable: true, title: 'The service is at its limit' },
  cancelled: { status: 409, retryable: false, title: 'The item was cancelled before it was evaluated' },
  'internal.poison': { status: 500, retryable: false, title: 'The item ends every process that evaluates it' },
  internal: { status: 500, retryable: true, title: 'The service failed' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

/** One of the stable codes of {@link codes}. */
export type Code = keyof typeof codes;

/** All codes, in the order they are documented. */
export const codeNames = Object.keys(codes) as [Code, ...Code[]];

export const isCode = (value: unknown): value is Code => typeof value === 'string' && Object.hasOwn(codes, value);

/** Longest message of a failure, in UTF-16 units: what a request holds may stand in it, and is a stranger's. */
const maxMessage = 1_000;
/** Longest message that stands on an item: it is stored with the result, and there may be a million of them. */
export const maxItemMessage = 500;
/** Most faults of one request that are told, and how long each may be. */
export const maxFaults = 20;
const maxFaultPath = 200;
const maxFaultMessage = 300;

/** The beginning of a text, which ends with an ellipsis where it is cut. Never half a surrogate pair. */
export const excerpt = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;

/** A failure with a stable code and a sentence that a caller can act on. Message and faults are bounded. */
export class ServiceError extends Error {
  override name = 'ServiceError';
  readonly code: Code;
  /** Seconds after which the same request may succeed; sent as `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** Single faults of a request, at most {@link maxFaults}, for a client that shows them at its fields. */
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

/** One fault of a request: where (a path like `items[3].image`), and what is wrong there. */
export interface RequestFault {
  path: string;
  message: string;
}

/** The failure as it stands on an item: code, sentence, and whether trying again makes sense. */
export interface ItemError {
  code: Code;
  message: string;
  retryable: boolean;
}

/** Turns whatever was thrown into an item's failure; what carries no code is `internal`. */
export function toItemError(error: unknown): ItemError {
  const code = error instanceof ServiceError ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  return itemError(code, message);
}

/** The one place where a failure becomes that of an item; its message is cut to {@link maxItemMessage}. */
export const itemError = (code: Code, message: string): ItemError => ({
  code,
  message: excerpt(message, maxItemMessage),
  retryable: codes[code].retryable,
});
