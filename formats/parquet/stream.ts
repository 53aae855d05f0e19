import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Header, ReadOptions, ReadStream } from '../format.ts';
import type { ReadItem } from '../items.ts';
import { itemsOfIsolated, subsetOfIsolated } from './isolated.ts';
import { openSpool, type Spool, spoolBudget } from './spool.ts';

/** Limits the child processes that read Parquet files. Each tenant is guaranteed one. */
const readers = createFairPlaces({ places: 2, guaranteed: 1, hardLimit: 3, maxWaiting: 100 });
/** The maximum wait in ms for a free child process, shorter than the lease of a batch. */
const patienceMs = 20_000;

/** Reads Parquet from a stream. Column positions are at the end of the file, so it is stored on disk first. */
export const readParquetStream: ReadStream = (bytes, options) => {
  let header: Header | undefined;
  const onHeader = (found: Header) => {
    header = found;
  };
  return { items: itemsOfStream(bytes, options, onHeader), header: () => header };
};

async function* itemsOfStream(
  bytes: AsyncIterable<Buffer>,
  options: ReadOptions,
  onHeader: (header: Header) => void,
): AsyncGenerator<ReadItem[]> {
  const read = (spool: Spool) => itemsOfIsolated(spool, options, onHeader);
  // An empty group shows that bytes have arrived.
  for await (const items of withSpool(bytes, options, read)) yield items ?? [];
}

/**
 * Yields the bytes of a Parquet file with some rows of another one, which arrives as a stream.
 * @param kept one bit a row, the lowest bit of a byte first.
 * @param metadata entries that are added to the metadata.
 * @throws {ServiceError} `request.invalid`, `request.too_large`, `overloaded`
 */
export async function* subsetOfParquetStream(
  bytes: AsyncIterable<Buffer>,
  kept: Uint8Array,
  metadata: Readonly<Record<string, string>>,
  options: Pick<ReadOptions, 'owner' | 'signal'>,
): AsyncGenerator<Buffer> {
  const read = (spool: Spool) => subsetOfIsolated(spool, kept, metadata, options);
  for await (const part of withSpool(bytes, options, read)) if (part !== undefined) yield part;
}

/** Stores a stream on disk, then reads it in a child process. Yields undefined while bytes arrive. */
async function* withSpool<Value>(
  bytes: AsyncIterable<Buffer>,
  { owner = '', signal }: Pick<ReadOptions, 'owner' | 'signal'>,
  read: (spool: Spool) => AsyncGenerator<Value>,
): AsyncGenerator<Value | undefined> {
  const space = spoolBudget.hold(owner, signal);
  const spool = await openSpool();
  try {
    for await (const part of bytes) {
      await space.set(spool.bytes() + part.length);
      await spool.write(part);
      yield undefined;
    }
    const leave = await enter(owner, signal);
    try {
      yield* read(spool);
    } finally {
      leave();
    }
  } finally {
    await spool.close();
    space.release();
  }
}

/**
 * Waits until a child process may start.
 * @returns a function that releases the permission.
 * @throws {ServiceError} `overloaded` after {@link patienceMs}.
 */
async function enter(owner: string, signal: AbortSignal | undefined): Promise<() => void> {
  const late = new AbortController();
  const refuse = () =>
    late.abort(
      new ServiceError(
        'overloaded',
        'The service is already reading the maximum number of Parquet files; retry shortly',
        {
          retryAfter: 10,
        },
      ),
    );
  const timer = setTimeout(refuse, patienceMs);
  const ends = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  return await readers.take(owner, ends).finally(() => clearTimeout(timer));
}
