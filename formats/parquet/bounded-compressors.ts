import type { Compressors } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ServiceError } from '../../shared/errors.ts';

/** The largest page, decompressed. Writers make pages of 1 MiB; a page has at least one value, which is at most an image. */
const maxPageBytes = 64 * 1024 * 1024;

/** Decompressors that refuse a page before they decompress it, when it says that it becomes too large. */
export const boundedCompressors: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, length: number) => {
      if (length < 0 || length > maxPageBytes) {
        const message = `has a page that grows to ${length} bytes; ${maxPageBytes} are allowed`;
        throw new ServiceError('request.too_large', `The Parquet file ${message}`, {
          faults: [{ path: 'file', message }],
        });
      }
      return decompress(input, length);
    },
  ]),
);
