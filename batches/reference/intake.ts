import { createPendingBudget } from '../../formats/pending-budget.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import { codes, ServiceError, toItemError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { parseS3Location } from '../../shared/s3-location.ts';
import type { FreeSpaceGauge } from '../admission/free-space.ts';
import type { QueuedItems } from '../admission/queued-items.ts';
import type { StoredBytes } from '../admission/stored-bytes.ts';
import { type BatchMemory, type ChunkWriter, createChunkWriter, interrupted } from '../intake/chunk-writer.ts';
import { storeItems } from '../intake/store-batch.ts';
import type { Ending } from '../lifecycle/ending.ts';
import type { Dispatcher } from '../queue/dispatcher.ts';
import type { Attempt, TaskRun } from '../queue/tasks.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import { type BatchRecord, batchRecord, labelsOf } from '../store/record.ts';
import { unlinkPayloads } from '../store/unlink-payloads.ts';
import { itemsOfObject } from './input.ts';

export interface ReferenceIntakeDeps {
  redis: Redis;
  payloads: PayloadStore;
  objects: ObjectStore;
  dispatcher: Dispatcher;
  ending: Ending;
  freeSpace: FreeSpaceGauge;
  queued: QueuedItems;
  stored: StoredBytes;
  onPosted: (labels: Record<'queue' | 'profile', string>, items: number) => void;
  log: Logger;
}

/**
 * Creates the task that stores the items of a batch from a bucket, and starts the batch. A repeated run stores the same
 * chunks. A transient error repeats the task; another error with the object ends the batch.
 */
export function createReferenceIntake(deps: ReferenceIntakeDeps): TaskRun {
  const { redis, payloads, objects, dispatcher, ending, freeSpace, queued, stored, onPosted, log } = deps;
  const pending = createPendingBudget();

  async function read(id: string): Promise<BatchRecord | undefined> {
    const hash = await redis.hgetall(batchKeys(redis, id).batch);
    return hash['state'] === undefined ? undefined : batchRecord.parse(hash);
  }

  const writerOf = (record: BatchRecord): ChunkWriter => {
    const { id, tenant, reading } = record;
    return createChunkWriter(redis, payloads, id, {
      keeps: record,
      checkFreeSpace: freeSpace.check,
      claim: (count) => queued.claim(id, tenant, count, reading?.queuedItems ?? 0),
      ...(reading?.sharesMemory && {
        memory: {
          claim: (memory: BatchMemory) => stored.claim(id, tenant, memory),
          release: () => stored.release(id),
        },
      }),
    });
  };

  async function readObject(record: BatchRecord, writer: ChunkWriter, signal: AbortSignal): Promise<number> {
    const { id, tenant, input = '', inputEtag = '', reading } = record;
    const place = parseS3Location(input);
    if (place === undefined || reading === undefined) throw new Error(`Batch ${id} has no reading options`);
    return await storeItems(redis, writer, {
      id,
      items: itemsOfObject(
        objects,
        place,
        inputEtag,
        reading,
        signal,
        pending.hold(tenant, signal),
        tenant,
        record.postedName,
        record.keep !== undefined,
      ),
      options: {},
      storesHash: false,
      async onActivity() {
        signal.throwIfAborted();
        if ((await redis.hget(batchKeys(redis, id).batch, 'state')) !== 'accepting') throw interrupted();
      },
    });
  }

  /** Removes the claims and payloads of a batch that was stopped or deleted while its input was read. */
  async function cleanUp({ id, tenant }: BatchRecord, writer: ChunkWriter): Promise<void> {
    const record = await read(id);
    if (record !== undefined && !terminalStates.has(record.state)) return;
    await queued.release(id);
    if (record !== undefined && record.chunks > 0) return;
    await writer.discard();
    // Deleted while its input was read.
    if (record === undefined) return await ending.erase({ id, tenant });
    await unlinkPayloads(redis, id);
    while (!(await payloads.erase(id)));
  }

  return async (id: string, { isLast, signal }: Attempt) => {
    const record = await read(id);
    // The batch was deleted, and the worker that was reading its input has died and left its claims and payloads.
    if (record === undefined) return void (await ending.erase({ id, tenant: 'default' }));
    const writer = writerOf(record);
    const cleanUpLogged = () =>
      cleanUp(record, writer).catch((error: unknown) => {
        // The payloads stay until the batch is deleted.
        log.info({ err: error, batchId: id }, 'the payloads of a stopped batch are not yet removed');
      });
    if (record.state !== 'accepting') return void (await cleanUpLogged());
    const start = performance.now();
    try {
      onPosted(labelsOf(record), await readObject(record, writer, signal));
    } catch (error) {
      signal.throwIfAborted();
      if ((await read(id))?.state === 'accepting') {
        if (isTransient(error) && !isLast) throw error;
        const itemError = toItemError(error);
        await ending.refuse(record, itemError);
        log.info(
          { batchId: id, input: record.input, code: itemError.code, reason: itemError.message },
          'batch by reference refused: its input object cannot be used',
        );
      }
      return void (await cleanUpLogged());
    }
    await dispatcher.refill(record);
    log.info(
      { batchId: id, input: record.input, ms: Math.round(performance.now() - start) },
      'batch by reference: all items of its input object are stored',
    );
  };
}

/** Returns true when the task should be repeated. `tenant.queue_full` is permanent here, although clients may retry. */
const isTransient = (error: unknown): boolean =>
  !(error instanceof ServiceError) || (codes[error.code].retryable && error.code !== 'tenant.queue_full');
