import type { Compressors } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ServiceError } from '../../shared/errors.ts';

/**
 * The maximum decompressed size in bytes of a page, Parquet's unit of compression. Pages are usually about 1 MiB, but a
 * single value may be a whole image.
 */
const maxPageBytes = 64 * 1024 * 1024;

/** Decompressors that check the stated size of a page before they decompress it. */
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
