import { setTimeout as delay } from 'node:timers/promises';
import { called } from '../shared/called.ts';
import { type Config, defaultServiceUrl } from '../shared/config.ts';
import { prefix } from '../shared/contracts/paths.ts';
import type { Problem } from '../shared/contracts/problem.ts';
import { CommandError, exitCodes } from './failures.ts';

type BodyInit = NonNullable<RequestInit['body']>;

/** An HTTP call. Each attempt needs a new body stream, so `body` is a function. */
export interface Call {
  method?: 'GET' | 'POST' | 'PATCH';
  headers?: Record<string, string>;
  body?: () => BodyInit | AsyncIterable<Uint8Array>;
  signal?: AbortSignal | undefined;
}

/**
 * An HTTP client of the service. It waits and repeats a request that is refused temporarily (status 429 or 503, or an
 * idempotency key in use). Other refusals, and the last one, throw a {@link CommandError} with the error code of the
 * response.
 */
export interface ServiceClient {
  /** The address of the service, such as `http://127.0.0.1:8000`. */
  readonly base: string;
  /**
   * Returns the parsed JSON of a response.
   * @param path below `/evaluator`.
   */
  json<Body>(path: string, call?: Call): Promise<Body>;
  post<Body>(path: string, body: unknown, signal?: AbortSignal): Promise<Body>;
  /** Returns a successful response, with its body still to read. */
  open(path: string, call?: Call): Promise<Response>;
  /** Creates the error for a service that does not answer, or whose connection broke. */
  unreachable(error: unknown): CommandError;
}

export interface ClientOptions extends Pick<Config, 'serviceUrl' | 'apiKey'> {
  /** The command that starts the service on this machine; undefined when the service is not installed. */
  startCommand?: string | undefined;
  /** Returns the address of the service that runs with the data directory of the command, if there is one. */
  findOwnService?: (() => string | undefined) | undefined;
  /** Called with the reason before a wait. */
  onWait?: ((reason: string) => void) | undefined;
}

/** The maximum number of attempts of a call that the service refuses temporarily. */
const maxAttempts = 8;
/** The maximum wait in ms between two attempts. If the service asks for more, the call fails. */
const longestWaitMs = 60_000;

export function createClient(options: ClientOptions): ServiceClient {
  const { serviceUrl: base, apiKey, startCommand, findOwnService, onWait } = options;
  // An own service that does not use the default address runs with another PORT.
  const adviceOnAddress = () => {
    const own = base === defaultServiceUrl ? findOwnService?.() : undefined;
    return own === undefined || own === base
      ? undefined
      : `The service of this directory answers at ${own}; set VLS_URL or --url to this address.`;
  };
  const unreachable = (error: unknown) => {
    const start = startCommand === undefined ? 'It must run there' : `\`${startCommand}\` runs it on this machine`;
    return new CommandError('service.unreachable', `The service at ${base} cannot be reached: ${reasonOf(error)}`, {
      advice: adviceOnAddress() ?? `${start}; --url or VLS_URL sets another address.`,
      exitCode: exitCodes.unreachable,
      cause: error,
    });
  };

  async function send(path: string, { method = 'GET', headers, body, signal }: Call): Promise<Response> {
    const made = body?.();
    const stream = made !== undefined && isStream(made) ? bodyOf(made) : undefined;
    const sent = stream?.body ?? (made as BodyInit | undefined);
    try {
      return await fetch(`${base}${prefix}${path}`, {
        method,
        headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
        // A redirected POST would lose its body, and the API key could be sent to another host.
        redirect: 'manual',
        ...(sent !== undefined && { body: sent }),
        ...(stream !== undefined && withoutBodyCopy),
        ...(signal && { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const sourceError = stream?.error();
      if (sourceError !== undefined) throw sourceError;
      throw unreachable(error);
    }
  }

  async function open(path: string, call: Call = {}): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await send(path, call);
      if (response.ok) return response;
      const refusal = await refusalOf(base, response, startCommand !== undefined, adviceOnAddress);
      const waitMs = retryAfterSeconds(response, refusal.code) * 1000 || Math.min(500 * 2 ** attempt, 10_000);
      if (!isTransient(response.status, refusal.code) || attempt === maxAttempts || waitMs > longestWaitMs)
        throw refusal;
      onWait?.(`${refusal.message}; retry in ${Math.ceil(waitMs / 1000)} s`);
      await delay(waitMs, undefined, { ...(call.signal && { signal: call.signal }) });
    }
  }

  async function json<Body>(path: string, call: Call = {}): Promise<Body> {
    const response = await open(path, { ...call, headers: { accept: 'application/json', ...call.headers } });
    try {
      return (await response.json()) as Body;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error instanceof SyntaxError ? notThisService(base, response, adviceOnAddress()) : unreachable(error);
    }
  }

  return {
    base,
    open,
    json,
    unreachable,
    post: (path, body, signal) =>
      json(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: () => JSON.stringify(body),
        signal,
      }),
  };
}

/**
 * Prevents fetch from copying a streamed body (110 MB for a million rows). The fetch standard ("HTTP-network-or-cache
 * fetch") otherwise requires it for a redirect or login.
 */
const withoutBodyCopy = { duplex: 'half', redirect: 'error', window: null } as const;

const isStream = (body: BodyInit | AsyncIterable<Uint8Array>): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && Symbol.asyncIterator in body && !(body instanceof ReadableStream);

/**
 * Converts an async iterable to a body stream. `error` returns the error of the iterable, because fetch reports only
 * "fetch failed".
 */
function bodyOf(source: AsyncIterable<Uint8Array>): { body: ReadableStream<Uint8Array>; error(): unknown } {
  let sourceError: unknown;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  }
  return { body: ReadableStream.from(watched()), error: () => sourceError };
}

const isTransient = (status: number, code: string): boolean =>
  status === 429 || status === 503 || code === 'idempotency.in_flight';

/**
 * Returns `Retry-After` in s; 0 without this header. Infinity when the model is not available, because a retry would
 * fail too.
 */
function retryAfterSeconds(response: Response, code: string): number {
  if (code === 'model.unavailable') return Number.POSITIVE_INFINITY;
  const header = response.headers.get('retry-after');
  if (header === null) return 0;
  const seconds = Number(header);
  return Math.max(0, Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 || 0 : seconds);
}

async function refusalOf(
  base: string,
  response: Response,
  hasModels: boolean,
  adviceOnAddress: () => string | undefined,
): Promise<CommandError> {
  const location = response.headers.get('location');
  if (location !== null) {
    await response.body?.cancel();
    return new CommandError('service.moved', `${base} redirects to ${location}`, {
      advice: 'Set --url or VLS_URL to that address.',
    });
  }
  const type = response.headers.get('content-type') ?? '';
  if (!type.includes('application/problem+json')) {
    await response.body?.cancel();
    return notThisService(base, response, adviceOnAddress());
  }
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const code = problem.code ?? 'failed';
  return new CommandError(code, problem.detail ?? problem.title ?? `The service answered ${response.status}`, {
    advice: adviceFor(response.status, code, hasModels),
  });
}

/**
 * Returns advice for an error of the service.
 * @param hasModels true if the command `models` exists, which only the package of the service contains.
 */
function adviceFor(status: number, code: string, hasModels: boolean): string | undefined {
  if (status === 401) return 'The service requires an API key: set VLS_API_KEY.';
  if (status === 403) return 'This API key lacks the rights for the request; ask the operator of the service.';
  switch (code) {
    case 'model.unavailable':
      return hasModels
        ? `\`${called} models list\` lists the models of this machine, \`${called} models pull\` fetches one.`
        : 'Ask the operator of the service to pull the model.';
    case 'batch.not_found':
      return `\`${called} batches\` lists the batches of the service. Finished batches expire. The first 8 characters of an id suffice.`;
    case 'queue.unavailable':
      return 'The service cannot reach its Redis; /evaluator/health has details.';
    case 'queue.full':
      return 'Finished batches free space when they expire or are deleted. Inline images take much space; --server-files avoids them.';
    case 'request.too_large':
      return `Many or large images belong in a batch: \`${called} batch FILE\`.`;
    case 'image.fetch.blocked_address':
      return 'The service downloads images from public hosts only; its operator can allow others with IMAGE_HOSTS_ALLOW.';
    default:
      return undefined;
  }
}

const notThisService = (base: string, response: Response, advice: string | undefined): CommandError =>
  new CommandError(
    'service.unknown',
    `${base} answered ${response.status} with ${response.headers.get('content-type') ?? 'no content'}, which is not an answer of this service`,
    { advice: advice ?? 'Set --url or VLS_URL to the address of the service.' },
  );

/** Returns the reason for a failed request. The message of fetch is only "fetch failed". */
function reasonOf(error: unknown): string {
  const causes = causesOf(error);
  for (const { code = '', message } of causes) {
    const found = knownReasons.find(([pattern]) => pattern.test(code) || pattern.test(message));
    if (found !== undefined) return found[1];
  }
  return causes.at(-1)?.message ?? 'no connection';
}

/** Clear descriptions of errors, by error code or message. Node describes them in terms of a library or a standard. */
const knownReasons: [RegExp, string][] = [
  [/^bad port$/, 'HTTP clients refuse this port, because it belongs to another protocol'],
  [/^ENOTFOUND$/, 'no name server knows the name of the host'],
  [/^EAI_AGAIN$/, 'no name server answers'],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$|^EPROTO$/,
    'the server at this port does not use TLS; try http:// in place of https://',
  ],
  [/^HPE_|does not match the HTTP/, 'the server at this port does not speak HTTP'],
  [
    /^(DEPTH_ZERO_|SELF_|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/,
    'the certificate of the server is not trusted; set NODE_EXTRA_CA_CERTS to the certificate of its authority',
  ],
];

/** Returns an error and its chain of causes, without those that have no message. */
function causesOf(error: unknown): (Error & { code?: string })[] {
  if (error instanceof AggregateError) return causesOf(error.errors[0]);
  if (!(error instanceof Error)) return [];
  return [...(error.message === '' ? [] : [error]), ...causesOf(error.cause)];
}
