import { setTimeout as delay } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { type Code, ServiceError } from '../shared/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { createGuardedAgent } from './guarded-agent.ts';

export interface FetcherOptions {
  guard: AddressGuard;
  /** Largest body, in bytes. */
  maxBytes: number;
  /** Deadline of one image with its redirects and retries, in milliseconds. */
  timeoutMs: number;
  /** Most connections to one origin; further requests to it wait. */
  connectionsPerHost?: number;
}

export interface Fetcher {
  /**
   * Downloads an image.
   * @throws {ServiceError} `image.fetch.*`, `image.too_large`, `image.source_invalid`
   */
  fetch(url: string, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

const maxRedirects = 3;
const maxRetries = 2;
const redirectStatus = new Set([301, 302, 303, 307, 308]);
/** Statuses by which a host says "later", not "no". */
const laterStatus = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Retried within one download: the cause may be gone a moment later. */
const retriedCodes = new Set<Code>(['image.fetch.unavailable', 'image.fetch.network']);

/** Downloads images through the address guard: before the lookup, after it, and on the connected socket. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { guard, maxBytes, timeoutMs } = options;
  const agent = createGuardedAgent({ guard, timeoutMs, connectionsPerHost: options.connectionsPerHost ?? 32 });

  async function download(start: URL, signal: AbortSignal): Promise<Uint8Array> {
    let url = start;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      guard.checkUrl(url);
      const response = await request(url, {
        dispatcher: agent,
        signal,
        headers: { accept: 'image/*,*/*;q=0.5', 'accept-encoding': 'identity', 'user-agent': 'vls/1' },
      });
      const location = response.headers['location'];
      if (redirectStatus.has(response.statusCode) && typeof location === 'string') {
        discard(response);
        url = parseUrl(location, url);
        continue;
      }
      if (response.statusCode !== 200) {
        discard(response);
        const code = laterStatus.has(response.statusCode) ? 'image.fetch.unavailable' : 'image.fetch.http_status';
        const retryAfter = Number(response.headers['retry-after']);
        throw new ServiceError(code, `${response.statusCode} from ${url.host}`, {
          ...(Number.isFinite(retryAfter) && { retryAfter }),
        });
      }
      return await readBody(response, url, maxBytes);
    }
    throw new ServiceError('image.fetch.too_many_redirects', `More than ${maxRedirects} redirects from ${start.host}`);
  }

  return {
    async fetch(address, callerSignal) {
      const url = parseUrl(address);
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = callerSignal ? AbortSignal.any([deadline, callerSignal]) : deadline;
      for (let attempt = 0; ; attempt++) {
        try {
          return await download(url, signal);
        } catch (error) {
          if (callerSignal?.aborted) throw callerSignal.reason;
          const failure = deadline.aborted ? timedOut(url, timeoutMs) : toFetchError(error, url);
          if (attempt >= maxRetries || !retriedCodes.has(failure.code)) throw failure;
          // Full jitter around 0.2 s and 0.4 s; a host that names its own pause gets it, up to 5 s.
          const pause = failure.retryAfter
            ? Math.min(failure.retryAfter, 5) * 1000
            : Math.random() * 400 * 2 ** attempt;
          await delay(pause, undefined, { signal }).catch(() => {
            throw callerSignal?.aborted ? callerSignal.reason : failure;
          });
        }
      }
    },
    close: () => agent.close(),
  };
}

async function readBody(response: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new ServiceError('image.too_large', `The image at ${url.host} has more than ${maxBytes} bytes`);
  if (Number(response.headers['content-length']) > maxBytes) {
    abandon(response);
    throw tooLarge();
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response.body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) {
      abandon(response);
      throw tooLarge();
    }
    parts.push(part);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, size);
}

/** Reads on in the background, so that the connection can be used again; the deadline ends a body that never does. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.dump({ limit: 64 * 1024 }).catch(() => {});
}

/** Gives up the connection; what undici then says of the body is no news. */
function abandon({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {});
  body.destroy();
}

function parseUrl(address: string, base?: URL): URL {
  try {
    return new URL(address, base);
  } catch (cause) {
    throw new ServiceError('image.source_invalid', `Not a URL: ${address.slice(0, 200)}`, { cause });
  }
}

const timedOut = (url: URL, timeoutMs: number) =>
  new ServiceError('image.fetch.timeout', `${url.host} did not deliver the image within ${timeoutMs} ms`);

/** Maps undici's and Node's errors to a cause that people can act on. */
function toFetchError(error: unknown, url: URL): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = error as NodeJS.ErrnoException;
  const reason = cause.code ?? cause.name;
  if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN' || reason === 'ENODATA') {
    return new ServiceError('image.fetch.dns', `${url.hostname} could not be resolved (${reason})`, { cause });
  }
  if (/TIMEOUT|ETIMEDOUT/.test(reason)) {
    return new ServiceError('image.fetch.timeout', `${url.host} did not answer in time (${reason})`, { cause });
  }
  return new ServiceError('image.fetch.network', `The connection to ${url.host} failed (${reason})`, { cause });
}
