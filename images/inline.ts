import { ServiceError } from '../shared/errors.ts';
import { mayBeBase64 } from '../shared/image-paths.ts';
import { describeNoBase64 } from './source-message.ts';

/**
 * White space is allowed.
 * @throws {ServiceError} `image.too_large`, `image.source_invalid`
 */
export function decodeBase64(text: string, maxBytes: number): Uint8Array {
  // Base64 has 4/3 characters per byte. A text that is too long is not decoded.
  if (text.length > (maxBytes / 3) * 4 * 1.05 + 16) throw tooLarge(maxBytes);
  if (!mayBeBase64(text)) throw new ServiceError('image.source_invalid', describeNoBase64(text));
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0) throw new ServiceError('image.source_invalid', 'The base64 image is empty');
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

/**
 * Decodes a data URI (RFC 2397). The bytes show the format, so its media type is ignored.
 * @throws {ServiceError} `image.too_large`, `image.source_invalid`
 */
export function decodeDataUri(uri: string, maxBytes: number): Uint8Array {
  const comma = uri.indexOf(',');
  if (comma < 0) throw new ServiceError('image.source_invalid', 'The data URI has no comma before its data');
  const header = uri.slice(5, comma);
  if (!/;\s*base64\s*$/i.test(header)) {
    throw new ServiceError('image.source_invalid', 'The data URI must be base64 (data:image/…;base64,…)');
  }
  return decodeBase64(unescaped(uri.slice(comma + 1), maxBytes), maxBytes);
}

/** Decodes percent-encoding (`%2F` for `/`), which makes data at most three times as long. */
function unescaped(payload: string, maxBytes: number): string {
  if (payload.length > maxBytes * 4 * 1.05 + 48) throw tooLarge(maxBytes);
  return payload.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

const tooLarge = (maxBytes: number) =>
  new ServiceError('image.too_large', `The inline image exceeds ${maxBytes} bytes`);
