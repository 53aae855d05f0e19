import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { decodeInput, decodeOutput, echoed, type StoredItem } from '../store/payload.ts';
import { isLost, type PayloadStore } from '../store/payload-store.ts';
import type { BatchRecord } from '../store/record.ts';
import type { KnownIndexes } from './known-indexes.ts';

/** The results of one chunk, with its items if they were requested. */
export interface ChunkResults {
  results: ItemResult[];
  items: StoredItem[];
  /** The size of the results and items as JSON, in bytes. */
  bytes: number;
}

export interface Source {
  redis: Redis;
  payloads: PayloadStore;
  /** The cached indexes of ended batches. Without them, each request reads the indexes from Redis. */
  known?: KnownIndexes | undefined;
}

/**
 * Returns the results of the given chunks, in the same order. A chunk without outcomes is undefined while the batch
 * runs, and has cancelled items afterwards.
 * @param withItems reads the items too. By default `items` is empty.
 * @throws {ServiceError} `batch.not_found`, `storage.unavailable`
 */
export async function readChunks(
  { redis, payloads }: Source,
  batch: Pick<BatchRecord, 'id' | 'state' | 'reason'>,
  chunks: readonly number[],
  withItems = false,
): Promise<(ChunkResults | undefined)[]> {
  const keys = batchKeys(redis, batch.id);
  const stopped = terminalStates.has(batch.state);
  return await Promise.all(
    chunks.map(async (chunk) => {
      const output = await redis.hgetBuffer(keys.output(chunk), String(chunk));
      if (output === null && !stopped) return undefined;
      const input = output === null || withItems ? await redis.hgetBuffer(keys.input(chunk), String(chunk)) : null;
      if (output === null && input === null) {
        if (batch.reason === 'input_lost') return nothingLeft();
        throw new ServiceError('batch.not_found', 'The batch was deleted while it was read');
      }
      const { items, offset, bytes } =
        input === null
          ? nothingLeft()
          : await payloads.get(batch.id, input).then(decodeInput, (error: unknown) => {
              if (batch.reason === 'input_lost' && error instanceof ServiceError && isLost(error)) return nothingLeft();
              throw error;
            });
      if (output !== null) {
        const read = decodeOutput(await payloads.get(batch.id, output));
        return { results: read.results, items, bytes: read.bytes + bytes };
      }
      return {
        results: items.map((item, at) => ({ index: offset + at, ...echoed(item), status: 'cancelled' as const })),
        items,
        bytes,
      };
    }),
  );
}

const nothingLeft = () => ({ items: [], results: [], offset: 0, bytes: 0 });
