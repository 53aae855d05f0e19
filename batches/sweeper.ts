import { terminalStates } from '../shared/contracts/batch.ts';
import { itemError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { type Chunks, retire } from './chunks.ts';
import { dispatch } from './dispatch.ts';
import { allBatchKeys, batchKeys, chunksPerHash, finishedBatches, liveBatches, tenantBatches } from './keys.ts';
import { decodeInput } from './payload.ts';
import type { Queues } from './queues.ts';
import { type BatchRecord, batchRecord } from './record.ts';

export interface Sweeper {
  /** One round over all live batches; safe beside workers, APIs and another sweeper. */
  sweep(): Promise<void>;
}

/** Batches read at a time. */
const pageSize = 100;
/** Keys given up in one command: UNLINK frees in the background, but naming a million keys would not be quick. */
const keysPerUnlink = 64;

/** Repairs what a dead process left, and forgets what has had its time. */
export function createSweeper(redis: Redis, queues: Queues, chunks: Chunks, log: Logger): Sweeper {
  async function sweepBatch(id: string): Promise<void> {
    const keys = batchKeys(id);
    const hash = await redis.hgetall(keys.batch);
    if (Object.keys(hash).length === 0) {
      // Listed and then cut off before it was opened; younger ones may be about to be.
      const createdAt = Number(await redis.zscore(liveBatches, id));
      if (Date.now() - createdAt > 60_000) await redis.zrem(liveBatches, id);
      return;
    }
    const record = batchRecord.parse(hash);
    if (terminalStates.has(record.state)) return await retire(redis, id, record.expiresAt ?? Date.now());
    if (record.state === 'accepting') {
      if ((await redis.exists(keys.lease)) === 0) await forget(record);
      return;
    }
    const open = await redis.sunion(keys.waiting, keys.active);
    for (const chunk of open.map(Number)) await repair(record, chunk);
    await dispatch(redis, queues, record);
  }

  /** A chunk that was let into the queue must have a job there, until its outcomes are committed. */
  async function repair(record: BatchRecord, chunk: number): Promise<void> {
    const state = await queues.jobState(record.profile, record.id, chunk);
    if (state === 'live') return;
    // Committed between the two looks.
    if ((await redis.getbit(batchKeys(record.id).done, chunk)) === 1) return;
    if (state === 'failed') return await giveUp(record, chunk);
    log.warn({ batchId: record.id, chunk, state }, 'chunk without a job, queued again');
    if (state === 'completed') await queues.remove(record.profile, record.id, chunk);
    await queues.add(record.profile, record.tenant, record.id, [chunk]);
  }

  /** A chunk that failed for good ends with the code `internal` on each of its items. */
  async function giveUp(record: BatchRecord, chunk: number): Promise<void> {
    const payload = await redis.hgetBuffer(batchKeys(record.id).input(chunk), String(chunk));
    if (payload === null) return;
    const { offset, items } = decodeInput(payload);
    const error = itemError('internal', 'The chunk of this item failed again and again; the log of its job says why');
    const job = { v: record.v, tenant: record.tenant, batchId: record.id, chunk };
    log.error({ batchId: record.id, chunk }, 'chunk failed for good');
    await chunks.commit(
      job,
      items.map(({ id, metadata }, at) => ({
        index: offset + at,
        ...(id !== undefined && { id }),
        ...(metadata !== undefined && { metadata }),
        status: 'failed',
        error,
      })),
    );
  }

  async function forget(record: Pick<BatchRecord, 'id' | 'tenant'> & { chunks?: number }): Promise<void> {
    const chunkCount = record.chunks || (await countChunks(record.id));
    let names: string[] = [];
    for (const key of allBatchKeys(record.id, chunkCount)) {
      names.push(key);
      if (names.length === keysPerUnlink) {
        await redis.unlink(...names);
        names = [];
      }
    }
    await redis.unlink(...names);
    await redis.zrem(tenantBatches(record.tenant), record.id);
    await redis.zrem(liveBatches, record.id);
    await redis.zrem(finishedBatches, record.id);
  }

  /** Chunks of a batch that was never sealed: its payload hashes are without a gap, so the first absent one ends it. */
  async function countChunks(id: string): Promise<number> {
    const keys = batchKeys(id);
    for (let chunk = 0; ; chunk += chunksPerHash) if ((await redis.exists(keys.input(chunk))) === 0) return chunk;
  }

  return {
    async sweep() {
      for (let start = 0; ; start += pageSize) {
        const ids = await redis.zrange(liveBatches, start, String(start + pageSize - 1));
        for (const id of ids) {
          await sweepBatch(id).catch((error: unknown) => log.error({ err: error, batchId: id }, 'batch not swept'));
        }
        if (ids.length < pageSize) break;
      }
      for (;;) {
        const ids = await redis.zrangebyscore(finishedBatches, 0, Date.now(), 'LIMIT', 0, pageSize);
        for (const id of ids) {
          const [tenant, chunkCount] = await redis.hmget(batchKeys(id).batch, 'tenant', 'chunks');
          await forget({ id, tenant: tenant ?? 'default', chunks: Number(chunkCount ?? 0) });
          log.info({ batchId: id }, 'batch expired');
        }
        if (ids.length < pageSize) break;
      }
    },
  };
}
