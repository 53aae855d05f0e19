import { setTimeout as delay } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import { type Code, ServiceError } from '../shared/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { readRetryAfter, toFetchFailure } from './fetch-failure.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createHostTurns, type HostTurns, mostRequests, type Turn } from './host-turns.ts';
import type { LoadOptions } from './load-options.ts';
import { createNameLookup, type NameLookup } from './name-lookup.ts';
import { beginsLikeImage, sniffedBytes } from './sniff.ts';
import { describeSource } from './source-message.ts';
import { userAgent } from './user-agent.ts';

export interface FetcherOptions {
  guard: AddressGuard;
  maxBytes: number;
  /** The maximum time in ms for one image, with redirects and retries but without waits for the host limiter. */
  timeoutMs: number;
  /** The maximum time in ms between two received bytes. */
  idleMs?: number;
  /** The maximum number of requests in flight to one host. Further ones wait. */
  connectionsPerHost?: number;
  lookup?: NameLookup;
  onRetry?: ((code: Code) => void) | undefined;
}

export interface Fetcher {
  /** @throws {ServiceError} `image.fetch.*`, `image.too_large`, `image.unsupported_format`, `image.source_invalid` */
  fetch(url: string, options?: LoadOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A link shortener, a login check and a CDN together need five redirects. HTTP libraries usually allow ten. */
const maxRedirects = 10;
/** The maximum wait in ms of a batch image for a host that is busy or backs off: twice the longest back-off. */
const batchPatienceMs = 120_000;
const maxRetries = 2;
/** The maximum number of retries when the host states a time. Such a host works, so a retry is likely to succeed. */
const maxInvitedRetries = 5;
const redirectStatus = new Set([301, 302, 303, 307, 308]);
/** HTTP statuses after which a later request may succeed. */
const laterStatus = new Set([408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
/** HTTP statuses that report too many requests. */
const overrunStatus = new Set([429, 503]);

/** Error codes that are often transient. */
const retriedCodes = new Set<Code>(['image.fetch.unavailable', 'image.fetch.network']);

const headers = {
  accept: 'image/*,*/*;q=0.5',
  'accept-encoding': 'identity',
  'user-agent': userAgent,
};

interface Download {
  options: LoadOptions;
  leftMs: number;
}

/** The address guard checks each URL, the resolved addresses, and the address of the connected socket. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { guard, maxBytes, timeoutMs, connectionsPerHost = 32, lookup = createNameLookup(), onRetry } = options;
  const idleMs = Math.min(options.idleMs ?? 10_000, timeoutMs);
  const agent = createGuardedAgent({ guard, lookup, idleMs, connectionsPerHost: mostRequests(connectionsPerHost) });
  const turns: HostTurns = createHostTurns(connectionsPerHost);

  /** Waits until the host limiter permits a request, then sends it with the remaining time of the image. */
  async function inTurn(
    url: URL,
    download: Download,
    step: (turn: Turn, signal: AbortSignal) => Promise<Uint8Array | URL>,
  ) {
    const { interactive = false, tenant = '', signal: callerSignal } = download.options;
    const patienceMs = interactive ? timeoutMs : batchPatienceMs;
    const turn = await turns.take(url.host, `${interactive ? 'single' : 'batch'} ${tenant}`, patienceMs, callerSignal);
    const start = performance.now();
    // `AbortSignal.timeout` with `AbortSignal.any` uses weak references and takes 0.03 ms more CPU time per download.
    const ending = new AbortController();
    const onTimeout = () => ending.abort(timedOut(url, timeoutMs));
    const timer = setTimeout(onTimeout, Math.max(1, Math.ceil(download.leftMs)));
    const onAbort = () => ending.abort(callerSignal?.reason);
    if (callerSignal?.aborted) onAbort();
    callerSignal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await step(turn, ending.signal);
    } catch (error) {
      throw ending.signal.aborted ? ending.signal.reason : error;
    } finally {
      clearTimeout(timer);
      callerSignal?.removeEventListener('abort', onAbort);
      download.leftMs -= performance.now() - start;
      turn.end();
    }
  }

  async function attempt(start: URL, download: Download): Promise<Uint8Array> {
    let url = start;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      guard.checkUrl(url);
      const found = await inTurn(url, download, async (turn, signal) => {
        const response = await request(url, { dispatcher: agent, signal, headers });
        const location = response.headers['location'];
        if (redirectStatus.has(response.statusCode) && typeof location === 'string') {
          turn.answered();
          discard(response);
          return parseUrl(asSent(location), url);
        }
        if (response.statusCode !== 200) {
          discard(response);
          throw refusal(response, url, turn);
        }
        turn.answered();
        return await readBody(response, url, maxBytes);
      });
      if (!(found instanceof URL)) return found;
      url = found;
    }
    throw new ServiceError('image.fetch.too_many_redirects', `More than ${maxRedirects} redirects from ${start.host}`);
  }

  return {
    async fetch(address, options = {}) {
      const url = parseUrl(address);
      const { signal } = options;
      const download: Download = { options, leftMs: timeoutMs };
      let reason: ServiceError | undefined;
      for (let attempts = 0; ; attempts++) {
        try {
          return await attempt(url, download);
        } catch (error) {
          if (signal?.aborted) throw signal.reason;
          const failure = toFetchFailure(error, url);
          // The error of an earlier attempt is more useful than a timeout.
          if (download.leftMs <= 0) throw reason ?? failure;
          reason = failure;
          const { retryAfter } = reason;
          const retries = retryAfter === undefined ? maxRetries : maxInvitedRetries;
          if (attempts >= retries || !retriedCodes.has(reason.code)) throw reason;
          // The random part keeps downloads from retrying together. Without `Retry-After` it averages 0.2 s before the
          // first retry and 0.4 s before the second.
          const pauseMs =
            retryAfter === undefined ? Math.random() * 400 * 2 ** attempts : retryAfter * 1000 + Math.random() * 250;
          if (pauseMs > download.leftMs) throw reason;
          onRetry?.(reason.code);
          download.leftMs -= pauseMs;
          await delay(pauseMs, undefined, { signal }).catch(() => {
            throw signal?.reason;
          });
        }
      }
    },
    close: () => agent.close(),
  };
}

const meanings: Record<number, string> = {
  401: 'access denied',
  403: 'access denied',
  404: 'not found',
  410: 'not found',
};

/** Returns the error for a status other than 200. The host limiter learns the status. */
function refusal(response: Dispatcher.ResponseData, url: URL, turn: Turn): ServiceError {
  const { statusCode } = response;
  const meaning = meanings[statusCode];
  const message = `${statusCode} from ${url.host}${meaning === undefined ? '' : `: ${meaning}`}`;
  const retryAfter = readRetryAfter(response.headers['retry-after']);
  if (overrunStatus.has(statusCode)) turn.refused(url.href, retryAfter === undefined ? undefined : retryAfter * 1000);
  else turn.answered();
  if (!laterStatus.has(statusCode)) return new ServiceError('image.fetch.http_status', message);
  return new ServiceError('image.fetch.unavailable', message, { ...(retryAfter !== undefined && { retryAfter }) });
}

async function readBody(response: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<Uint8Array> {
  const abort = (code: Code, message: string) => {
    abandon(response);
    return new ServiceError(code, message);
  };
  const tooLarge = () => abort('image.too_large', `The image at ${url.host} exceeds ${maxBytes} bytes`);
  if (Number(response.headers['content-length']) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let size = 0;
  let isSniffed = false;
  const sniff = () => {
    isSniffed = true;
    const [first] = parts;
    if (beginsLikeImage(parts.length === 1 && first ? first : Buffer.concat(parts))) return;
    const { 'content-type': type, 'content-encoding': encoding } = response.headers;
    // Some hosts send other encodings with uncompressed images, such as `aws-chunked`, `none` or an empty name.
    const isCompressed = encoding !== undefined && /^(gzip|x-gzip|deflate|br|zstd|compress)$/i.test(String(encoding));
    const sent =
      size === 0
        ? 'an empty body'
        : isCompressed
          ? `the image with an additional compression (${quoted(encoding)}) that was not requested`
          : type === undefined
            ? 'data that is not an image'
            : describeDeclared(String(type));
    throw abort(
      'image.unsupported_format',
      `${url.host} sent ${sent}; supported are JPEG, PNG, WebP, GIF, AVIF and TIFF`,
    );
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

/** Describes a body that is no supported image, by its content type. */
function describeDeclared(type: string): string {
  if (!/^image\//i.test(type)) return `${quoted(type)}, which is not an image`;
  return /^image\/(jpe?g|pjpeg|png|webp|gif|avif|tiff?)\b/i.test(type)
    ? `bytes that are not a supported image, although it declared ${quoted(type)}`
    : `${quoted(type)}, which is not a supported format`;
}

const quoted = (header: string | string[]) => JSON.stringify(String(header).slice(0, 60));

/**
 * Reads the rest of a body in the background, until the deadline of the download, so that the connection can be reused.
 */
function discard({ body }: Dispatcher.ResponseData): void {
  body.dump({ limit: 64 * 1024 }).catch(() => {});
}

/** Closes the connection, and ignores undici's error about the unread body. */
function abandon({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {});
  body.destroy();
}

/** Returns a header as the host sent it. undici decodes headers as Latin-1, but many hosts send unescaped UTF-8. */
function asSent(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}

function parseUrl(address: string, base?: URL): URL {
  try {
    // A single letter before a colon is a Windows drive, not a scheme.
    if (base === undefined && /^[a-z]:/i.test(address)) throw new TypeError('Not a URL');
    return new URL(address, base);
  } catch (cause) {
    const message = base === undefined ? describeSource(address) : `${base.host} redirects to an invalid URL`;
    throw new ServiceError('image.source_invalid', message, { cause });
  }
}

const timedOut = (url: URL, timeoutMs: number) =>
  new ServiceError('image.fetch.timeout', `${url.host} did not deliver the image within ${timeoutMs} ms`);
