import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import type { Header, ReadOptions, ReadStream } from '../format.ts';
import type { ReadItem } from '../items.ts';
import { itemsOfIsolated } from './isolated.ts';
import { openSpool, spoolBudget } from './spool.ts';

/** Processes that read at a time. Each tenant has one even when others use all. */
const readers = createFairPlaces({ places: 2, guaranteed: 1, hardLimit: 3, maxWaiting: 100 });
/** Time in ms that a file waits for a process, before it is refused. It is shorter than the lease of a batch. */
const patienceMs = 20_000;

/**
 * Reads Parquet that arrives as a stream. The end of a Parquet file says where its columns are, so it is stored on disk
 * first. A process of its own reads it.
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
      // Bytes have arrived, though no item.
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

/** Waits for a process. */
async function enter(owner: string, signal: AbortSignal | undefined): Promise<() => void> {
  const late = new AbortController();
  const refuse = () =>
    late.abort(new ServiceError('overloaded', 'Other Parquet files are being read', { retryAfter: 10 }));
  const timer = setTimeout(refuse, patienceMs);
  const ends = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  return await readers.take(owner, ends).finally(() => clearTimeout(timer));
}
