import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../shared/config.ts';
import { prefix } from '../shared/contracts/paths.ts';
import type { Problem } from '../shared/contracts/problem.ts';
import { CommandError, exitCodes } from './failures.ts';

type BodyInit = NonNullable<RequestInit['body']>;

/** A request; the body is made anew for each attempt, as a stream can be sent once. */
export interface Call {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: () => BodyInit | AsyncIterable<Uint8Array>;
  signal?: AbortSignal | undefined;
}

/**
 * The service over HTTP. A refusal of the service is a {@link CommandError} with the code of its problem document; one
 * that says when to come back (429, 503, a key in flight) is obeyed a few times first.
 */
export interface ServiceClient {
  /** Where the service is: `http://127.0.0.1:8000`. */
  readonly base: string;
  /** @param path below `/evaluator`. */
  json<Body>(path: string, call?: Call): Promise<Body>;
  /** The same with a JSON body. */
  post<Body>(path: string, body: unknown, signal?: AbortSignal): Promise<Body>;
  /** The response itself, once it is known to be a success; its body is the caller's to read. */
  open(path: string, call?: Call): Promise<Response>;
}

export interface ClientOptions extends Pick<Config, 'serviceUrl' | 'apiKey'> {
  /** Told why a call waits. */
  onWait?: ((reason: string) => void) | undefined;
}

/** Attempts at a call that is told to come back later. */
const attempts = 8;
/** Longest wait between two attempts, in milliseconds; a service that asks for more is given up. */
const longestWaitMs = 60_000;

export function createClient({ serviceUrl: base, apiKey, onWait }: ClientOptions): ServiceClient {
  async function send(path: string, { method = 'GET', headers, body, signal }: Call): Promise<Response> {
    const made = body?.();
    const stream = made !== undefined && isStream(made) ? bodyOf(made) : undefined;
    const sent = stream?.body ?? (made as BodyInit | undefined);
    try {
      return await fetch(`${base}${prefix}${path}`, {
        method,
        headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
        // A proxy that sends a POST elsewhere would lose its body, or the key.
        redirect: 'manual',
        ...(sent !== undefined && { body: sent }),
        ...(stream !== undefined && sentOnce),
        ...(signal && { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const fault = stream?.fault();
      if (fault !== undefined) throw fault;
      throw unreachable(base, error);
    }
  }

  async function open(path: string, call: Call = {}): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await send(path, call);
      if (response.ok) return response;
      const refusal = await refusalOf(base, response);
      const waitMs = secondsToWait(response, refusal.code) * 1000 || Math.min(500 * 2 ** attempt, 10_000);
      if (!isTemporary(response.status, refusal.code) || attempt === attempts || waitMs > longestWaitMs) throw refusal;
      onWait?.(`${refusal.message}; trying again in ${Math.ceil(waitMs / 1000)} s`);
      await delay(waitMs, undefined, { ...(call.signal && { signal: call.signal }) });
    }
  }

  async function json<Body>(path: string, call: Call = {}): Promise<Body> {
    const response = await open(path, { ...call, headers: { accept: 'application/json', ...call.headers } });
    try {
      return (await response.json()) as Body;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error instanceof SyntaxError ? stranger(base, response) : unreachable(base, error);
    }
  }

  return {
    base,
    open,
    json,
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
 * Otherwise fetch keeps all of a stream that it has sent, for the redirect or the login that might come (110 MB with a
 * million rows; the step "HTTP-network-or-cache fetch" of the standard copies a request unless it is of this kind).
 */
const sentOnce = { duplex: 'half', redirect: 'error', window: null } as const;

const isStream = (body: BodyInit | AsyncIterable<Uint8Array>): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && Symbol.asyncIterator in body && !(body instanceof ReadableStream);

/** A stream that keeps what went wrong while it was made: fetch itself says nothing but "fetch failed". */
function bodyOf(source: AsyncIterable<Uint8Array>): { body: ReadableStream<Uint8Array>; fault(): unknown } {
  let fault: unknown;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      fault = error;
      throw error;
    }
  }
  return { body: ReadableStream.from(watched()), fault: () => fault };
}

/** Refusals that say nothing against the request, only against its time. */
const isTemporary = (status: number, code: string): boolean =>
  status === 429 || status === 503 || code === 'idempotency.in_flight';

/** `Retry-After`, in seconds; 0 when there is none. A model that is not there does not come by waiting. */
function secondsToWait(response: Response, code: string): number {
  if (code === 'model.unavailable') return Number.POSITIVE_INFINITY;
  const header = response.headers.get('retry-after');
  if (header === null) return 0;
  const seconds = Number(header);
  return Math.max(0, Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 || 0 : seconds);
}

async function refusalOf(base: string, response: Response): Promise<CommandError> {
  const location = response.headers.get('location');
  if (location !== null) {
    await response.body?.cancel();
    return new CommandError('service.moved', `${base} leads on to ${location}`, {
      advice: 'Name the address that it leads to with --url or VLS_URL.',
    });
  }
  const type = response.headers.get('content-type') ?? '';
  if (!type.includes('application/problem+json')) {
    await response.body?.cancel();
    return stranger(base, response);
  }
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const code = problem.code ?? 'failed';
  return new CommandError(code, problem.detail ?? problem.title ?? `The service answered ${response.status}`, {
    advice: adviceFor(response.status, code),
  });
}

function adviceFor(status: number, code: string): string | undefined {
  if (status === 401) return 'The service wants a key: set VLS_API_KEY.';
  if (status === 403) return 'The key that was sent does not allow this.';
  switch (code) {
    case 'model.unavailable':
      return '`npx vls models list` shows which models are here, `npx vls models pull` fetches one.';
    case 'batch.not_found':
      return '`npx vls batches` lists those that the service has; finished ones expire.';
    case 'queue.unavailable':
      return 'The service has lost its Redis; /evaluator/health says more.';
    case 'queue.full':
      return 'Finished batches make room when they expire or are deleted. Images from your disk take much: see --server-files.';
    case 'request.too_large':
      return 'Many or large images belong into a batch: `npx vls batch FILE`.';
    case 'image.fetch.blocked_address':
      return 'The service fetches from public hosts; IMAGE_HOSTS_ALLOW, set where it runs, admits others.';
    default:
      return undefined;
  }
}

const stranger = (base: string, response: Response): CommandError =>
  new CommandError(
    'service.unknown',
    `${base} answered ${response.status} with ${response.headers.get('content-type') ?? 'no content'}: that is not this service`,
    { advice: 'Name the right address with --url or VLS_URL.' },
  );

/** Nobody there, or gone in the middle. */
export function unreachable(base: string, error: unknown): CommandError {
  const { cause } = error as Error;
  const reason = reasonOf(cause) ?? reasonOf(error) ?? 'no connection';
  return new CommandError('service.unreachable', `The service at ${base} cannot be reached: ${reason}`, {
    advice: '`npm start` runs it on this machine; --url or VLS_URL names another one.',
    exitCode: exitCodes.unreachable,
    cause: error,
  });
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error && error.message !== '' ? error.message : undefined;
}
