import { createHash, type Hash } from 'node:crypto';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { ServiceError } from '../shared/errors.ts';

export interface Body {
  bytes: AsyncIterable<Buffer>;
  /** Returns the number of bytes read so far, before decompression. */
  sent(): number;
  /** Returns the hexadecimal SHA-256 of the decompressed bytes read so far. */
  hash(): string;
}

/**
 * The maximum ratio of decompressed to compressed size, after `freeBytes` decompressed bytes. Gzip shrinks tables of
 * URLs by a factor of 20, and endless repetitions by 1,000.
 */
const maxExpansion = 200;
const freeBytes = 16 * 1024 * 1024;

const gzipMagic = Buffer.from([0x1f, 0x8b]);

/** Decompresses a body whose first bytes are those of gzip. Headers and file names are unreliable. */
export function readBody(source: Readable): Body {
  const hash = createHash('sha256');
  let sent = 0;
  const onSent = (bytes: number) => {
    sent += bytes;
  };
  return { bytes: decoded(source, hash, onSent), sent: () => sent, hash: () => hash.copy().digest('hex') };
}

async function* counted(source: Readable, onSent: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    onSent(chunk.length);
    yield chunk;
  }
}

async function* decoded(source: Readable, hash: Hash, onSent: (bytes: number) => void): AsyncGenerator<Buffer> {
  const iterator = counted(source, onSent);
  try {
    const first = await firstBytes(iterator);
    const chunks = first.subarray(0, 2).equals(gzipMagic) ? gunzipped(first, iterator) : joined(first, iterator);
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw toBodyError(error);
  }
}

/** Returns the joined first chunks of a stream, at least two bytes if it has them. */
async function firstBytes(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.length < 2) {
    const next = await iterator.next();
    if (next.done) break;
    first = Buffer.concat([first, next.value]);
  }
  return first;
}

async function* joined(first: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}

function gunzipped(first: Buffer, iterator: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  // `pipeline` stops reading while the consumer is busy, and passes errors in both directions.
  pipeline(joined(first, iterator), gunzip, () => {});
  return withinExpansion(gunzip);
}

async function* withinExpansion(gunzip: Gunzip): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > freeBytes && bytes > maxExpansion * gunzip.bytesWritten) {
      throw new ServiceError(
        'request.too_large',
        `The gzip data expands to more than ${maxExpansion} times its size; send the body uncompressed`,
      );
    }
    yield chunk;
  }
}

function toBodyError(error: unknown): unknown {
  if (error instanceof ServiceError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('Z_')) {
    return new ServiceError('request.invalid', `The gzip data is damaged or ends too early (${message})`, {
      cause: error,
    });
  }
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return new ServiceError('request.aborted', 'The connection ended before the body was complete', { cause: error });
  }
  return error;
}
