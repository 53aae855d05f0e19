import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Header, ReadOptions, ReadStream } from '../format.ts';
import type { ReadItem } from '../items.ts';
import { itemsOfIsolated } from './isolated.ts';
import { openSpool, spoolBudget } from './spool.ts';

/**
 * Limits the number of child processes that read files at the same time. Each tenant is guaranteed one, even when other
 * tenants occupy all of them.
 */
const readers = createFairPlaces({ places: 2, guaranteed: 1, hardLimit: 3, maxWaiting: 100 });
/**
 * The maximum time in ms for which a file waits for a child process before it is refused. It must be shorter than the
 * lease of a batch.
 */
const patienceMs = 20_000;

/**
 * Reads Parquet from a stream. The end of a Parquet file states where its columns are, so the file is first stored on
 * disk. A child process then reads it.
 */
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
  const { owner = '', signal } = options;
  const space = spoolBudget.hold(owner, signal);
  const spool = await openSpool();
  try {
    for await (const part of bytes) {
      await space.set(spool.bytes() + part.length);
      await spool.write(part);
      // An empty list reports that bytes have arrived.
      yield [];
    }
    const leave = await enter(owner, signal);
    try {
      yield* itemsOfIsolated(spool, options, onHeader);
    } finally {
      leave();
    }
  } finally {
    await spool.close();
    space.release();
  }
}

/**
 * Waits until a child process may be started.
 * @returns a function that ends the reservation.
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
