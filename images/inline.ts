import { ServiceError } from '../shared/errors.ts';

// Two searches for a wrong character: one pattern for the whole would try again from every space.
const notBase64 = /[^A-Za-z0-9+/_\-\s=]|=\s*[^=\s]/;

/**
 * Bytes of a base64 or base64url string, white space allowed.
 * @throws {ServiceError} `image.too_large`, `image.source_invalid`
 */
export function decodeBase64(text: string, maxBytes: number): Uint8Array {
  // 4/3 characters a byte; checked first, so that a huge string costs nothing.
  if (text.length > (maxBytes / 3) * 4 * 1.05 + 16) throw tooLarge(maxBytes);
  if (notBase64.test(text)) {
    throw new ServiceError(
      'image.source_invalid',
      'The image is neither an http(s) URL nor a data URI, and it is not base64',
    );
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0) throw new ServiceError('image.source_invalid', 'The base64 image is empty');
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

/**
 * Bytes of a data URI (RFC 2397). Its media type is not trusted: the decoder looks at the bytes.
 * @throws {ServiceError} `image.too_large`, `image.source_invalid`
 */
export function decodeDataUri(uri: string, maxBytes: number): Uint8Array {
  const comma = uri.indexOf(',');
  if (comma < 0) throw new ServiceError('image.source_invalid', 'The data URI has no comma before its data');
  const header = uri.slice(5, comma);
  if (!/;base64$/i.test(header)) {
    throw new ServiceError('image.source_invalid', 'The data URI must be base64 (data:image/…;base64,…)');
  }
  return decodeBase64(uri.slice(comma + 1), maxBytes);
}

const tooLarge = (maxBytes: number) =>
  new ServiceError('image.too_large', `The inline image has more than ${maxBytes} bytes`);
