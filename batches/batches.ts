import { setTimeout as delay } from 'node:timers/promises';
import type { Bytes } from '../formats/bytes.ts';
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
import type { FormatName } from '../shared/formats.ts';
import { batchKeys, everyTenant, type TenantScope } from '../shared/redis/keys.ts';
import { redisTime } from '../shared/redis/time.ts';
import { withRedis } from '../shared/redis.ts';
import { formatS3Place } from '../shared/s3-place.ts';
import { withFacts } from './intake/item-source.ts';
import {
  createIntake,
  type IntakeDeps,
  type Posting,
  type ReferencePosting,
  type TenantLimits,
} from './intake/posting.ts';
import type { Ending } from './lifecycle/ending.ts';
import { enlistDeleted } from './lifecycle/steps/enlist.ts';
import type { QueueCounts } from './queue/queues.ts';
import { escapedCellsOf } from './reading/escaped.ts';
import { type BatchEvent, createFollower } from './reading/events.ts';
import { listBatches } from './reading/list.ts';
import { readResults } from './reading/results.ts';
import { failedItems } from './reading/retry.ts';
import { streamResults } from './reading/stream.ts';
import { readSummary } from './reading/summary.ts';
import type { DurabilityLevel } from './store/durability.ts';
import { readFields } from './store/read-record.ts';
import { type BatchRecord, batchRecord, isVisible, toStatus } from './store/record.ts';
import { setFields } from './store/set-fields.ts';
import type { SharedSettings } from './store/shared-settings.ts';

export interface RetryOptions {
  limits?: TenantLimits;
  idempotencyKey?: string | undefined;
  /** Called when a batch has been made; a repetition makes none. */
  onCreated?: (id: string, tenant: string) => void;
}

/**
 * Batches as the API sees them. Every call fails with `queue.unavailable` while Redis is away, and with
 * `batch.not_found` for a batch out of scope.
 */
export interface Batches {
  /**
   * Stores a batch and starts it. When this returns, the batch is acknowledged and will be finished.
   * @throws {ServiceError} `batch.empty`, `batch.interrupted`, `queue.full`, `tenant.queue_full`, `overloaded`, `idempotency.*`,
   * and what reading throws.
   */
  post(posting: Posting): Promise<BatchStatus>;
  /**
   * Begins a batch whose items lie in a bucket: a worker reads them. Its status says what becomes of that.
   * @throws {ServiceError} `request.invalid`, `storage.*`, `idempotency.*`, `queue.full`
   */
  postReference(posting: ReferencePosting): Promise<BatchStatus>;
  status(scope: TenantScope, id: string): Promise<BatchStatus>;
  /** The status once the batch has ended, or as it is after so many milliseconds. */
  wait(scope: TenantScope, id: string, milliseconds: number, signal: AbortSignal): Promise<BatchStatus>;
  list(scope: TenantScope, query: ListQuery): Promise<BatchList>;
  /** @throws {ServiceError} `request.invalid` */
  results(scope: TenantScope, id: string, query: ResultsQuery): Promise<ResultsPage>;
  /** The whole batch in index order, as it is written. */
  stream(scope: TenantScope, id: string, format: FormatName, query: StreamQuery): Promise<AsyncIterableIterator<Bytes>>;
  /** Cells of the results as CSV that get an apostrophe; nothing where that is not known. */
  escapedCells(scope: TenantScope, id: string, query: StreamQuery): Promise<number | undefined>;
  summary(scope: TenantScope, id: string): Promise<BatchSummary>;
  /** Events since `lastId`, or from now on; nothing when the reader has seen the end. */
  follow(
    scope: TenantScope,
    id: string,
    lastId: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<BatchEvent> | undefined>;
  /** Stops a batch; the status says `stopping` while chunks are in flight. One that has ended stays as it is. */
  cancel(scope: TenantScope, id: string): Promise<BatchStatus>;
  /**
   * The failed items as a new batch of the same tenant. A repetition with the same key leads to the same batch.
   * @throws {ServiceError} `batch.not_finished`, `batch.nothing_to_retry`, `batch.input_expired`, and what posting throws.
   */
  retry(scope: TenantScope, id: string, options?: RetryOptions): Promise<BatchStatus>;
  /** Stops it if it is live, and forgets it. */
  remove(scope: TenantScope, id: string): Promise<void>;
  queueCounts(): Promise<QueueCounts[]>;
  /** What becomes of acknowledged work when Redis dies. */
  durability(): Promise<DurabilityLevel>;
  /** How other processes of this service differ from this one in settings that they must have alike. */
  unlikeSettings(): string[];
  /** Ends those who follow batches or wait for their end, so that their connections close. */
  close(): void;
}

export interface BatchesDeps extends Omit<IntakeDeps, 'bodyHashOf'> {
  ending: Ending;
  sharedSettings: Pick<SharedSettings, 'differences'>;
}

const waitPollMs = 50;
/** A cancelled batch ends with its chunks in flight. Most do within this time, in milliseconds, and the answer says so. */
const cancelWaitMs = 1_000;

export function createBatches(deps: BatchesDeps): Batches {
  const { redis, payloads, places, queues, ending, durability, log } = deps;
  const source = { redis, payloads };
  const follower = createFollower(redis);
  let closing = false;

  function visible(hash: Record<string, string>): BatchRecord | undefined {
    if (hash['state'] === undefined) return undefined;
    const record = batchRecord.parse(hash);
    return isVisible(record) ? record : undefined;
  }
  const find = async (id: string) => visible(await readFields(redis, id));
  const findWithColumns = async (id: string) => visible(await redis.hgetall(batchKeys(redis, id).batch));

  async function read(scope: TenantScope, id: string, findBatch = find): Promise<BatchRecord> {
    const record = await findBatch(id);
    if (record !== undefined && (scope === everyTenant || record.tenant === scope)) return record;
    throw new ServiceError('batch.not_found', `There is no batch ${id.slice(0, 100)}`);
  }

  const readWithColumns = (scope: TenantScope, id: string) => read(scope, id, findWithColumns);

  async function toFullStatus(record: BatchRecord): Promise<BatchStatus> {
    const keys = batchKeys(redis, record.id);
    const live = !terminalStates.has(record.state);
    const [failures, active, now] = await Promise.all([
      record.failed > 0 ? redis.hgetall(keys.failures) : {},
      live ? redis.scard(keys.active) : 0,
      live ? redisTime(redis) : 0,
    ]);
    return toStatus(record, failures, active, now);
  }
  const status = async (scope: TenantScope, id: string) => toFullStatus(await read(scope, id));

  async function ended(
    scope: TenantScope,
    id: string,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<BatchStatus> {
    const until = performance.now() + milliseconds;
    let record = await read(scope, id);
    while (!terminalStates.has(record.state) && performance.now() < until && !signal.aborted && !closing) {
      await delay(waitPollMs);
      record = await read(scope, id);
    }
    return await toFullStatus(record);
  }

  const intake = createIntake({ ...deps, bodyHashOf: find });
  const post = async (posting: Posting) => status(posting.tenant, await intake.post(posting));

  async function retry(
    scope: TenantScope,
    id: string,
    { limits, idempotencyKey, onCreated }: RetryOptions = {},
  ): Promise<BatchStatus> {
    const record = await readWithColumns(scope, id);
    if (!terminalStates.has(record.state)) {
      throw new ServiceError('batch.not_finished', 'Only a batch that has ended can be retried', { retryAfter: 5 });
    }
    if (record.failed === 0) throw new ServiceError('batch.nothing_to_retry', 'No item of this batch has failed');
    if ((await redis.exists(batchKeys(redis, id).input(0))) === 0) {
      throw new ServiceError('batch.input_expired', 'The items of this batch are no longer stored');
    }
    const { profile, postedName, model, revision, precision, preprocess, textCleaning, longText, traffic } = record;
    const { priority, columns, columnNames, columnTypes } = record;
    const child = await post({
      tenant: record.tenant,
      ...(limits !== undefined && { limits }),
      pinned: { profile, postedName, model, revision, precision, preprocess, textCleaning, longText, traffic },
      options: { priority, columns, columnNames, columnTypes, retryOf: id },
      ...(record.output !== undefined && { output: (childId: string) => besideFiles(record, childId) }),
      // A retry has no body. The same key for another batch, or for a post, is another request.
      items: withFacts(failedItems(source, record), () => ({ bodyHash: () => `retry:${id}` })),
      idempotencyKey,
      onCreated: (childId) => onCreated?.(childId, record.tenant),
    });
    await setFields(redis, id, { retriedBy: child.id });
    return child;
  }

  /** The files of a retry lie beside those of its batch, in a folder named by it. */
  function besideFiles({ id, tenant, output = '' }: BatchRecord, childId: string): string {
    const parent = output.endsWith(`/${id}/`) ? output.slice(0, -`${id}/`.length) : output;
    return formatS3Place(places.check(tenant, `${parent}${childId}/`, 'output'));
  }

  async function remove(scope: TenantScope, id: string): Promise<void> {
    const record = await read(scope, id);
    await ending.stop(id, { state: 'cancelled' });
    // Its jobs that are being worked on end later. The sweeper erases those.
    await enlistDeleted(redis, id, record.profile, await redisTime(redis));
    await ending.erase(record).catch((error: unknown) => {
      if (!(error instanceof ServiceError)) throw error;
      // It does not exist for anybody any more; the sweeper removes what is left.
      log.warn({ err: error, batchId: id }, 'batch not wholly forgotten yet');
    });
    await queues.erase([record]).catch((error: unknown) => {
      log.warn({ err: error, batchId: id }, 'jobs of a batch not erased yet');
    });
  }

  const guarded = <Value>(step: () => Promise<Value>) => withRedis(redis, step);
  return {
    post: (posting) => guarded(() => post(posting)),
    postReference: (posting) => guarded(async () => status(posting.tenant, await intake.postReference(posting))),
    status: (scope, id) => guarded(() => status(scope, id)),
    wait: (scope, id, milliseconds, signal) => guarded(() => ended(scope, id, milliseconds, signal)),
    list: (scope, query) =>
      guarded(async () => {
        const { records, next } = await listBatches(redis, scope, query);
        return { batches: await Promise.all(records.map(toFullStatus)), next };
      }),
    results: (scope, id, query) => guarded(async () => readResults(source, await readWithColumns(scope, id), query)),
    stream: (scope, id, format, query) =>
      guarded(async () => {
        return streamResults(source, await readWithColumns(scope, id), format, query);
      }),
    escapedCells: (scope, id, query) => guarded(async () => escapedCellsOf(await readWithColumns(scope, id), query)),
    summary: (scope, id) => guarded(async () => readSummary(redis, await read(scope, id))),
    follow: (scope, id, lastId, signal) =>
      guarded(async () => {
        await read(scope, id);
        return await follower.follow(id, () => status(scope, id), lastId, signal);
      }),
    cancel: (scope, id) =>
      guarded(async () => {
        const { tenant, state } = await read(scope, id);
        if (!terminalStates.has(state)) log.info({ batchId: id, tenant }, 'batch cancelled');
        await ending.stop(id, { state: 'cancelled' });
        return await ended(scope, id, cancelWaitMs, new AbortController().signal);
      }),
    retry: (scope, id, options) => guarded(() => retry(scope, id, options)),
    remove: (scope, id) => guarded(() => remove(scope, id)),
    queueCounts: () => guarded(() => queues.counts()),
    durability: () => guarded(() => durability.level()),
    unlikeSettings: () => deps.sharedSettings.differences(),
    close() {
      closing = true;
      follower.close();
    },
  };
}
