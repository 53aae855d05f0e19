import { ServiceError } from '../shared/errors.ts';

/** Faults of a certificate, or of the handshake before it: the next attempt would meet the same. */
const tlsFault = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/;
/** What undici's parser says of an answer that is no HTTP, or more header than it takes. */
const protocolFault = /^HPE_|HTTPParserError|UND_ERR_HEADERS_OVERFLOW/;

const timeouts: Record<string, string> = {
  UND_ERR_CONNECT_TIMEOUT: 'took no connection',
  ETIMEDOUT: 'took no connection',
  UND_ERR_HEADERS_TIMEOUT: 'took the request and sent no answer',
  UND_ERR_BODY_TIMEOUT: 'stopped sending in the middle of the image',
};

/** Maps what undici and Node say of a download to a cause that people can act on. */
export function toFetchFailure(error: unknown, url: URL): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = error as NodeJS.ErrnoException;
  const reason = cause.code ?? cause.name;
  const timeout = timeouts[reason];
  if (timeout !== undefined)
    return new ServiceError('image.fetch.timeout', `${url.host} ${timeout} (${reason})`, { cause });
  if (tlsFault.test(reason)) {
    const message = `${url.host} has no valid certificate, or speaks no TLS (${reason})`;
    return new ServiceError('image.fetch.tls', message, { cause });
  }
  if (protocolFault.test(reason))
    return new ServiceError('image.fetch.protocol', `${url.host} does not answer in HTTP (${reason})`, { cause });
  return new ServiceError('image.fetch.network', `The connection to ${url.host} failed (${reason})`, { cause });
}

/** Seconds that a host asks for, which may stand there as a date. */
export function readRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}
