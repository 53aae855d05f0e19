import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type BatchList,
  type BatchStatus,
  type BatchSummary,
  type ListQuery,
  type ResultsPage,
  type ResultsQuery,
  type StreamQuery,
  terminalStates,
} from '../shared/contracts/batch.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type Redis, withRedis } from '../shared/redis.ts';
import { traced, traceparent } from '../shared/telemetry/spans.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Durability, DurabilityLevel } from './durability.ts';
import type { Ending } from './ending.ts';
import { type Reservation, reserve } from './intake/idempotency.ts';
import type { ItemStream } from './intake/items.ts';
import { storeBatch } from './intake/store.ts';
import { batchKeys, everyTenant } from './keys.ts';
import type { QueuedItems } from './queued-items.ts';
import type { QueueCounts, Queues } from './queues.ts';
import { type BatchEvent, createFollower } from './reading/events.ts';
import { listBatches } from './reading/list.ts';
import { readResults } from './reading/results.ts';
import { streamCsv, streamNdjson } from './reading/stream.ts';
import { readSummary } from './reading/summary.ts';
import { type BatchOptions, type BatchRecord, batchRecord, type Pinned, toStatus } from './record.ts';
import { failedItems } from './retry.ts';
import type { RoomGauge } from './room.ts';
import { runScript } from './scripts.ts';

/** Whose batches are looked among: a tenant's, or for operators everybody's. */
export type Reach = string | typeof everyTenant;

/** What a tenant's batches may take. */
export interface TenantLimits {
  /** Items of unfinished batches; 0: any number. */
  queuedItems: number;
  /** Share of the workers beside other tenants'. */
  weight: number;
}

/** A batch as it is posted. */
export interface Posting {
  tenant: string;
  limits?: TenantLimits;
  pinned: Pinned;
  options: BatchOptions;
  items: ItemStream;
  /** With these two, a second request with the same key leads to the same batch. */
  idempotencyKey?: string | undefined;
  /** SHA-256 of the decoded body, asked for once the items have been read. */
  bodyHash: () => string;
}

/**
 * Batches as the API sees them. Every call fails with `queue.unavailable` while Redis is away, and with
 * `batch.not_found` for a batch out of reach.
 */
export interface Batches {
  /**
   * Stores a batch and starts it. When this returns, the batch is acknowledged and will be finished.
   * @throws {ServiceError} `batch.empty`, `batch.interrupted`, `queue.full`, `tenant.queue_full`, `overloaded`, `idempotency.*`,
   * and what reading throws.
   */
  post(posting: Posting): Promise<BatchStatus>;
  status(reach: Reach, id: string): Promise<BatchStatus>;
  /** The status once the batch has ended, or as it is after so many milliseconds. */
  wait(reach: Reach, id: string, milliseconds: number, signal: AbortSignal): Promise<BatchStatus>;
  list(reach: Reach, query: ListQuery): Promise<BatchList>;
  /** @throws {ServiceError} `request.invalid` */
  results(reach: Reach, id: string, query: ResultsQuery): Promise<ResultsPage>;
  /** The whole batch in index order, as it is written. */
  stream(reach: Reach, id: string, format: 'ndjson' | 'csv', query: StreamQuery): Promise<AsyncGenerator<string>>;
  summary(reach: Reach, id: string): Promise<BatchSummary>;
  /** Events since `lastId`, or from now on; nothing when the reader has seen the end. */
  follow(
    reach: Reach,
    id: string,
    lastId: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<BatchEvent> | undefined>;
  /** Stops a batch. One that has ended stays as it is. */
  cancel(reach: Reach, id: string): Promise<BatchStatus>;
  /**
   * The failed items as a new batch of the same tenant.
   * @throws {ServiceError} `batch.not_finished`, `batch.nothing_to_retry`, `batch.input_expired`, and what posting throws.
   */
  retry(reach: Reach, id: string, limits?: TenantLimits): Promise<BatchStatus>;
  /** Stops it if it is live, and forgets it. */
  remove(reach: Reach, id: string): Promise<void>;
  queueCounts(): Promise<QueueCounts[]>;
  /** What becomes of acknowledged work when Redis dies. */
  durability(): Promise<DurabilityLevel>;
  /** Ends those who follow batches or wait for their end, so that their connections close. */
  close(): void;
}

export interface BatchesDeps {
  redis: Redis;
  queues: Queues;
  dispatcher: Dispatcher;
  ending: Ending;
  room: RoomGauge;
  queued: QueuedItems;
  durability: Durability;
  onPosted: (profile: string, items: number) => void;
  log: Logger;
}

const waitPollMs = 50;

export function createBatches({
  redis,
  queues,
  dispatcher,
  ending,
  room,
  queued,
  durability,
  onPosted,
  log,
}: BatchesDeps): Batches {
  const follower = createFollower(redis);
  let closing = false;

  async function find(id: string): Promise<BatchRecord | undefined> {
    const hash = await redis.hgetall(batchKeys(id).batch);
    // One that is still being sent is nobody's business yet.
    return hash['state'] === undefined || hash['state'] === 'accepting' ? undefined : batchRecord.parse(hash);
  }

  async function read(reach: Reach, id: string): Promise<BatchRecord> {
    const record = await find(id);
    if (record !== undefined && (reach === everyTenant || record.tenant === reach)) return record;
    throw new ServiceError('batch.not_found', `There is no batch ${id.slice(0, 100)}`);
  }

  async function toFullStatus(record: BatchRecord): Promise<BatchStatus> {
    const keys = batchKeys(record.id);
    const live = !terminalStates.has(record.state);
    const [failures, active] = await Promise.all([
      record.failed > 0 ? redis.hgetall(keys.failures) : {},
      live ? redis.scard(keys.active) : 0,
    ]);
    return toStatus(record, failures, active, Date.now());
  }
  const status = async (reach: Reach, id: string) => toFullStatus(await read(reach, id));

  async function post(posting: Posting): Promise<BatchStatus> {
    const id = randomUUID();
    const { tenant, limits, pinned, options, items, idempotencyKey, bodyHash } = posting;
    let reservation: Reservation | undefined;
    if (idempotencyKey !== undefined) {
      const isSealed = async (known: string) => (await find(known)) !== undefined;
      const reserved = await reserve(redis, tenant, idempotencyKey, id, isSealed);
      if ('existing' in reserved) return await repeated(posting, reserved.existing);
      reservation = reserved.reservation;
    }
    try {
      await room.check();
      const stored = {
        checkRoom: room.check,
        claim: (count: number) => queued.claim(id, tenant, count, limits?.queuedItems ?? 0),
        id,
        tenant,
        weight: limits?.weight,
        pinned,
        options,
        items,
        traceparent: traceparent(),
        ...(reservation !== undefined && { bodyHash, onActivity: reservation.renew }),
      };
      await traced('intake', { 'vls.batch': id }, () => storeBatch(redis, stored)).catch(async (error: unknown) => {
        await queued.release(id).catch(() => {});
        throw error;
      });
      await durability.confirm();
    } finally {
      await reservation?.release().catch(() => {});
    }
    // Acknowledged from here on: if Redis goes away before the first chunks are queued, the sweeper queues them.
    const dispatched = { id, tenant, profile: pinned.profile, priority: options.priority ?? 0 };
    await traced('dispatch', { 'vls.batch': id }, () => dispatcher.refill(dispatched)).catch((error: unknown) => {
      log.warn({ err: error, batchId: id }, 'batch stored, not yet queued');
    });
    const posted = await status(tenant, id);
    onPosted(pinned.profile, posted.items.total);
    return posted;
  }

  /** The same key again: read to its end and compared, never stored. */
  async function repeated({ tenant, items, bodyHash }: Posting, id: string): Promise<BatchStatus> {
    for await (const _ of items);
    const record = await read(tenant, id);
    if (record.bodyHash === bodyHash()) return await toFullStatus(record);
    throw new ServiceError('idempotency.mismatch', `This Idempotency-Key was used with another body, for batch ${id}`);
  }

  async function retry(reach: Reach, id: string, limits?: TenantLimits): Promise<BatchStatus> {
    const record = await read(reach, id);
    if (!terminalStates.has(record.state)) {
      throw new ServiceError('batch.not_finished', 'Only a batch that has ended can be retried', { retryAfter: 5 });
    }
    if (record.failed === 0) throw new ServiceError('batch.nothing_to_retry', 'No item of this batch has failed');
    if ((await redis.exists(batchKeys(id).input(0))) === 0) {
      throw new ServiceError('batch.input_expired', 'The items of this batch are no longer kept');
    }
    const { profile, model, revision, precision, preprocess, textCleaning, longText, traffic } = record;
    const { priority, columns, columnNames } = record;
    const child = await post({
      tenant: record.tenant,
      ...(limits !== undefined && { limits }),
      pinned: { profile, model, revision, precision, preprocess, textCleaning, longText, traffic },
      options: { priority, columns, columnNames, retryOf: id },
      items: failedItems(redis, record),
      bodyHash: () => '',
    });
    await runScript(redis, 'annotate', [batchKeys(id).batch], ['retriedBy', child.id]);
    return child;
  }

  const guarded = <Value>(step: () => Promise<Value>) => withRedis(redis, step);
  return {
    post: (posting) => guarded(() => post(posting)),
    status: (reach, id) => guarded(() => status(reach, id)),
    wait: (reach, id, milliseconds, signal) =>
      guarded(async () => {
        const until = performance.now() + milliseconds;
        let record = await read(reach, id);
        while (!terminalStates.has(record.state) && performance.now() < until && !signal.aborted && !closing) {
          await delay(waitPollMs);
          record = await read(reach, id);
        }
        return await toFullStatus(record);
      }),
    list: (reach, query) =>
      guarded(async () => {
        const { records, next } = await listBatches(redis, reach, query);
        return { batches: await Promise.all(records.map(toFullStatus)), next };
      }),
    results: (reach, id, query) => guarded(async () => readResults(redis, await read(reach, id), query)),
    stream: (reach, id, format, query) =>
      guarded(async () => {
        const write = format === 'csv' ? streamCsv : streamNdjson;
        return write(redis, await read(reach, id), query);
      }),
    summary: (reach, id) => guarded(async () => readSummary(redis, await read(reach, id))),
    follow: (reach, id, lastId, signal) =>
      guarded(async () => {
        await read(reach, id);
        return await follower.follow(id, () => status(reach, id), lastId, signal);
      }),
    cancel: (reach, id) =>
      guarded(async () => {
        await ending.cancel(await read(reach, id));
        return await status(reach, id);
      }),
    retry: (reach, id, limits) => guarded(() => retry(reach, id, limits)),
    remove: (reach, id) =>
      guarded(async () => {
        const record = await read(reach, id);
        await ending.cancel(record);
        await ending.forget(record);
      }),
    queueCounts: () => guarded(() => queues.counts()),
    durability: () => guarded(() => durability.level()),
    close() {
      closing = true;
      follower.close();
    },
  };
}
