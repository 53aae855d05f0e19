import { ServiceError } from '../shared/errors.ts';

/** Errors of a certificate or of the TLS handshake, which a retry would not change. */
const tlsError = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/;
/** Errors of undici's parser for a response that is not HTTP or whose headers are too large. */
const protocolError = /^HPE_|HTTPParserError|UND_ERR_HEADERS_OVERFLOW/;

const timeouts: Record<string, string> = {
  UND_ERR_CONNECT_TIMEOUT: 'did not accept a connection in time',
  ETIMEDOUT: 'did not accept a connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'accepted the request but sent no response in time',
  UND_ERR_BODY_TIMEOUT: 'stopped sending in the middle of the image',
};

export function toFetchFailure(error: unknown, url: URL): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = error as NodeJS.ErrnoException;
  const reason = cause.code ?? cause.name;
  const timeout = timeouts[reason];
  if (timeout !== undefined)
    return new ServiceError('image.fetch.timeout', `${url.host} ${timeout} (${reason})`, { cause });
  if (tlsError.test(reason)) {
    const message = `${url.host} has no valid certificate or does not support TLS (${reason})`;
    return new ServiceError('image.fetch.tls', message, { cause });
  }
  if (protocolError.test(reason))
    return new ServiceError('image.fetch.protocol', `${url.host} did not send a valid HTTP response (${reason})`, {
      cause,
    });
  return new ServiceError('image.fetch.network', `The connection to ${url.host} failed (${reason})`, { cause });
}

/** Returns the time of a `Retry-After` header (seconds or a date) in s from now. */
export function readRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}
