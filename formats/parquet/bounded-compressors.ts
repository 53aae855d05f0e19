import type { Compressors } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ServiceError } from '../../shared/errors.ts';

/**
 * The maximum size in bytes of a page (the unit of compression in Parquet) after decompression. Writers usually make
 * pages of about 1 MiB. A page has at least one value, and a value may be a whole image, so larger pages occur.
 */
const maxPageBytes = 64 * 1024 * 1024;

/** Decompressors that reject a page before decompressing it, when its stated size is too large. */
export const boundedCompressors: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, length: number) => {
      if (length < 0 || length > maxPageBytes) {
        const message = `has a page that decompresses to ${length} bytes; at most ${maxPageBytes} are allowed`;
        throw new ServiceError('request.too_large', `The Parquet file ${message}`, {
          faults: [{ path: 'file', message }],
        });
      }
      return decompress(input, length);
    },
  ]),
);
