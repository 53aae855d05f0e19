import { setTimeout as delay } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { type Code, ServiceError } from '../shared/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { readRetryAfter, toFetchFailure } from './fetch-failure.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createHostTurns, type HostTurns, type Turn } from './host-turns.ts';
import type { LoadOptions } from './loader.ts';
import { createNameLookup, type NameLookup } from './name-lookup.ts';
import { beginsLikeImage, sniffedBytes } from './sniff.ts';
import { userAgent } from './user-agent.ts';

export interface FetcherOptions {
  guard: AddressGuard;
  /** Largest body, in bytes. */
  maxBytes: number;
  /** Deadline of one image with its redirects, retries and waiting, in milliseconds. */
  timeoutMs: number;
  /** Longest silence of a host within that deadline, in milliseconds. */
  idleMs?: number;
  /** Most requests to one host at a time; further ones wait for their turn. */
  connectionsPerHost?: number;
  lookup?: NameLookup;
  /** Told why, whenever a download is tried again. */
  onRetry?: ((code: Code) => void) | undefined;
}

export interface Fetcher {
  /**
   * Downloads an image.
   * @throws {ServiceError} `image.fetch.*`, `image.too_large`, `image.unsupported_format`, `image.source_invalid`
   */
  fetch(url: string, options?: LoadOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

const maxRedirects = 3;
const maxRetries = 2;
/** A host that says when to come back is asked more often: it is alive, and only as often as it says. */
const maxInvitedRetries = 5;
const redirectStatus = new Set([301, 302, 303, 307, 308]);
/** Statuses by which a host says "later", not "no". */
const laterStatus = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Those by which it says "too much". */
const overrunStatus = new Set([429, 503]);

/** Retried within one download: the cause may be gone a moment later. */
const retriedCodes = new Set<Code>(['image.fetch.unavailable', 'image.fetch.network']);

const headers = {
  accept: 'image/*,*/*;q=0.5',
  'accept-encoding': 'identity',
  'user-agent': userAgent,
};

/** Downloads images through the address guard: before the lookup, after it, and on the connected socket. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { guard, maxBytes, timeoutMs, connectionsPerHost = 32, lookup = createNameLookup() } = options;
  const idleMs = Math.min(options.idleMs ?? 10_000, timeoutMs);
  const agent = createGuardedAgent({ guard, lookup, idleMs, connectionsPerHost });
  const turns: HostTurns = createHostTurns(connectionsPerHost);

  /** @param endsAt when the deadline falls, by `performance.now()`. */
  async function download(start: URL, endsAt: number, signal: AbortSignal): Promise<Uint8Array> {
    let url = start;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      guard.checkUrl(url);
      const turn = await turns.take(url.host, endsAt - performance.now(), signal);
      try {
        const response = await request(url, { dispatcher: agent, signal, headers });
        const location = response.headers['location'];
        if (redirectStatus.has(response.statusCode) && typeof location === 'string') {
          discard(response);
          url = parseUrl(location, url);
          continue;
        }
        if (response.statusCode === 200) return await readBody(response, url, maxBytes);
        discard(response);
        throw refusal(response, url, turn);
      } finally {
        turn.end();
      }
    }
    throw new ServiceError('image.fetch.too_many_redirects', `More than ${maxRedirects} redirects from ${start.host}`);
  }

  return {
    async fetch(address, { signal: callerSignal } = {}) {
      const url = parseUrl(address);
      const deadline = AbortSignal.timeout(timeoutMs);
      const endsAt = performance.now() + timeoutMs;
      const signal = callerSignal ? AbortSignal.any([deadline, callerSignal]) : deadline;
      let reason: ServiceError | undefined;
      for (let attempt = 0; ; attempt++) {
        try {
          return await download(url, endsAt, signal);
        } catch (error) {
          if (callerSignal?.aborted) throw callerSignal.reason;
          // What an earlier attempt met says more than that there was no time for another.
          if (deadline.aborted) throw reason ?? timedOut(url, timeoutMs);
          reason = toFetchFailure(error, url);
          const retries = reason.retryAfter === undefined ? maxRetries : maxInvitedRetries;
          if (attempt >= retries || !retriedCodes.has(reason.code)) throw reason;
          if (reason.retryAfter !== undefined && performance.now() + reason.retryAfter * 1000 > endsAt) throw reason;
          options.onRetry?.(reason.code);
          // The host's own pause is kept by its turns, for whoever asks; else full jitter around 0.2 s and 0.4 s.
          const pauseMs = reason.retryAfter === undefined ? Math.random() * 400 * 2 ** attempt : 0;
          await delay(pauseMs, undefined, { signal }).catch(() => {
            throw callerSignal?.aborted ? callerSignal.reason : reason;
          });
        }
      }
    },
    close: () => agent.close(),
  };
}

/** What a status other than 200 means for the image, and for the host's next turns. */
function refusal(response: Dispatcher.ResponseData, url: URL, turn: Turn): ServiceError {
  const message = `${response.statusCode} from ${url.host}`;
  if (!laterStatus.has(response.statusCode)) return new ServiceError('image.fetch.http_status', message);
  const retryAfter = readRetryAfter(response.headers['retry-after']);
  if (overrunStatus.has(response.statusCode)) turn.slowDown();
  // A little more than was asked for, so that several workers do not come back at the same moment.
  if (retryAfter !== undefined) turn.rest(retryAfter * 1000 + Math.random() * 250);
  return new ServiceError('image.fetch.unavailable', message, { ...(retryAfter !== undefined && { retryAfter }) });
}

async function readBody(response: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<Uint8Array> {
  const giveUp = (code: Code, message: string) => {
    abandon(response);
    return new ServiceError(code, message);
  };
  const tooLarge = () => giveUp('image.too_large', `The image at ${url.host} has more than ${maxBytes} bytes`);
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    const message = `${url.host} sent the image compressed once more (${quoted(encoding)}), which was not asked for`;
    throw giveUp('image.unsupported_format', message);
  }
  if (Number(response.headers['content-length']) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let size = 0;
  let isSniffed = false;
  const sniff = () => {
    isSniffed = true;
    if (beginsLikeImage(Buffer.concat(parts))) return;
    const type = response.headers['content-type'];
    const what = size === 0 ? 'nothing' : type === undefined ? 'no image' : `no image, but ${quoted(type)}`;
    throw giveUp('image.unsupported_format', `${url.host} sent ${what}; JPEG, PNG, WebP, GIF, AVIF and TIFF are read`);
  };
  for await (const part of response.body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw tooLarge();
    parts.push(part);
    if (!isSniffed && size >= sniffedBytes) sniff();
  }
  if (!isSniffed) sniff();
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, size);
}

const quoted = (header: string | string[]) => JSON.stringify(String(header).slice(0, 60));

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
