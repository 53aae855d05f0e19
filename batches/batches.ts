import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchChange, RetriedStatus } from '../shared/contracts/batch/changes.ts';
import type { EmbeddingsQuery } from '../shared/contracts/batch/embeddings.ts';
import type { Judgement, SampleCounts, SampleLabels, SampleStart } from '../shared/contracts/batch/judgement.ts';
import type { BatchList, ListQuery } from '../shared/contracts/batch/list.ts';
import type { ResultsPage, ResultsQuery, Rule, StreamQuery } from '../shared/contracts/batch/results.ts';
import { type BatchStatus, terminalStates } from '../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../shared/contracts/batch/summary.ts';
import type { BatchComparison, ComparisonQuery } from '../shared/contracts/comparison.ts';
import { codes, isCode, ServiceError } from '../shared/errors.ts';
import type { FormatName } from '../shared/formats.ts';
import { batchKeys, everyTenant, type TenantScope } from '../shared/redis/keys.ts';
import { redisTime } from '../shared/redis/time.ts';
import { withRedis } from '../shared/redis.ts';
import { formatS3Location } from '../shared/s3-location.ts';
import { withFacts } from './intake/item-source.ts';
import {
  createIntake,
  type IntakeDeps,
  type Posting,
  type ReferencePosting,
  type TenantLimits,
} from './intake/posting.ts';
import type { Ending } from './lifecycle/ending.ts';
import { changeBatch } from './lifecycle/steps/change.ts';
import { enlistDeleted } from './lifecycle/steps/enlist.ts';
import type { QueueCounts } from './queue/queues.ts';
import { compareBatches } from './reading/compared/compare.ts';
import { withOther } from './reading/compared/with-other.ts';
import { type EmbeddingFile, readEmbeddings } from './reading/embeddings.ts';
import { escapedCellsOf } from './reading/escaped.ts';
import { type BatchEvent, createFollower } from './reading/events.ts';
import { type ImagesFrom, pinnedByImages } from './reading/images-from.ts';
import { checkSampled, readJudgement } from './reading/judgement.ts';
import type { KnownIndexes } from './reading/known-indexes.ts';
import { listBatches, type RequestsQuery } from './reading/list.ts';
import { readOrdered } from './reading/ordered/page.ts';
import { type ResultStream, streamOrdered } from './reading/ordered/stream.ts';
import { readOutline } from './reading/outline.ts';
import { createPostedImages } from './reading/posted-images.ts';
import { type Rescored, rescoredItems } from './reading/rescore.ts';
import { readResults } from './reading/results.ts';
import { retriedItems } from './reading/retry.ts';
import { isOrdered } from './reading/selection.ts';
import { streamResults } from './reading/stream.ts';
import { readSummary } from './reading/summary.ts';
import type { DurabilityLevel } from './store/durability.ts';
import { deleteSample } from './store/judgement/delete-sample.ts';
import { setLabels } from './store/judgement/set-labels.ts';
import { startSample } from './store/judgement/start-sample.ts';
import { readFields } from './store/read-record.ts';
import { type BatchRecord, batchRecord, isVisible, type Pinned, pinnedOf, toStatus } from './store/record.ts';
import { setFields } from './store/set-fields.ts';
import type { SharedSettings } from './store/shared-settings.ts';

export interface RetryOptions {
  /** The items that are evaluated again. Default: failed items only. */
  statuses?: readonly RetriedStatus[] | undefined;
  /** True leaves out items that would certainly fail again. */
  onlyRetryable?: boolean;
  limits?: TenantLimits;
  idempotencyKey?: string | undefined;
  /** Called for a new batch, but not when a repeated request finds an existing one. */
  onCreated?: (id: string, tenant: string) => void;
}

export interface RescoreOptions extends Omit<RetryOptions, 'statuses' | 'onlyRetryable'> {
  /** `own`: each image with its own text. `others`: each image with the text of another item. Default: `own`. */
  texts?: Rescored['texts'] | undefined;
  sample?: Rescored['sample'];
  /** Default: the model of the original batch. */
  pinned?: Pinned | undefined;
  /** Default: the name of the original batch. */
  name?: string | undefined;
}

/**
 * The operations of the API on batches. `scope` is a tenant, or allows all tenants. Every call can fail with
 * `queue.unavailable`, and with `batch.not_found` for a batch that the caller may not access.
 */
export interface Batches {
  /**
   * Stores a batch and queues it. Once the promise resolves, every item will get an outcome.
   * @throws {ServiceError} `batch.empty`, `batch.interrupted`, `queue.full`, `tenant.queue_full`, `overloaded`,
   * `idempotency.*`, and errors that occur while the items are read.
   */
  post(posting: Posting): Promise<BatchStatus>;
  /**
   * Creates a batch whose items a worker later reads from a bucket. Its status shows whether that worked.
   * @throws {ServiceError} `request.invalid`, `storage.*`, `idempotency.*`, `queue.full`
   */
  postReference(posting: ReferencePosting): Promise<BatchStatus>;
  status(scope: TenantScope, id: string): Promise<BatchStatus>;
  /** Waits at most `milliseconds` for the batch to end, and returns its status. */
  wait(scope: TenantScope, id: string, milliseconds: number, signal: AbortSignal): Promise<BatchStatus>;
  list(scope: TenantScope, query: ListQuery & RequestsQuery): Promise<BatchList>;
  /** Returns one page of results. @throws {ServiceError} `request.invalid` */
  results(scope: TenantScope, id: string, query: ResultsQuery): Promise<ResultsPage>;
  /**
   * Returns all results in the order of the items, unless the query sorts them.
   * @throws {ServiceError} `request.invalid`
   */
  stream(scope: TenantScope, id: string, format: FormatName, query: StreamQuery): Promise<ResultStream>;
  /**
   * Returns the number of CSV cells that get an apostrophe against formula injection, or undefined when it is unknown.
   */
  escapedCells(scope: TenantScope, id: string, query: StreamQuery): Promise<number | undefined>;
  /**
   * Returns the stored embeddings of an ended batch, in the order of the items.
   * @throws {ServiceError} `batch.no_embeddings`, `batch.not_finished`, `request.invalid`
   */
  embeddings(scope: TenantScope, id: string, query: EmbeddingsQuery): Promise<EmbeddingFile>;
  /**
   * Returns the model for a new batch that uses the stored image embeddings of batch `id`; see {@link pinnedByImages}.
   */
  imagesFrom(tenant: string, id: string, asked: Pinned | undefined): Promise<ImagesFrom>;
  /**
   * Returns the image of an item that was posted as bytes: base64 or a data URI.
   * @throws {ServiceError} `batch.no_image`, `batch.input_expired`
   */
  image(scope: TenantScope, id: string, index: number): Promise<string>;
  summary(scope: TenantScope, id: string): Promise<BatchSummary>;
  /** Compares a batch with another batch of the same items. @throws {ServiceError} `request.invalid` */
  compare(scope: TenantScope, id: string, query: ComparisonQuery): Promise<BatchComparison>;
  /** Returns the sample of pairs that people judge, with its labels. */
  judgement(scope: TenantScope, id: string): Promise<Judgement>;
  /**
   * Begins a sample of pairs to judge, in place of the former sample.
   * @throws {ServiceError} `request.invalid` for a pair without a score; `batch.other_sample`
   */
  startSample(scope: TenantScope, id: string, start: SampleStart): Promise<SampleCounts>;
  /**
   * Sets labels of the sample. Other labels do not change.
   * @throws {ServiceError} `request.invalid` for a pair that the sample does not have; `batch.other_sample`
   */
  setLabels(scope: TenantScope, id: string, change: SampleLabels): Promise<SampleCounts>;
  /** Deletes the sample and its labels. @throws {ServiceError} `batch.other_sample` */
  deleteSample(scope: TenantScope, id: string, sample?: string): Promise<void>;
  /**
   * Returns the events after `lastId`, or the present status and then new events. Returns undefined when `lastId` is
   * the last event of an ended batch.
   */
  follow(
    scope: TenantScope,
    id: string,
    lastId: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<BatchEvent> | undefined>;
  /** Stops a batch. Its phase is `stopping` while workers evaluate its chunks. An ended batch does not change. */
  cancel(scope: TenantScope, id: string): Promise<BatchStatus>;
  /**
   * Posts the failed or cancelled items as a new batch of the same tenant.
   * @throws {ServiceError} `batch.not_finished`, `batch.nothing_to_retry`, `batch.input_expired`, and the errors of
   * `post`.
   */
  retry(scope: TenantScope, id: string, options?: RetryOptions): Promise<BatchStatus>;
  /**
   * Posts all or a sample of the items as a new batch, with another model or with the texts of other items.
   * @throws {ServiceError} `batch.not_finished`, `batch.input_expired`, `request.invalid`, and the errors of `post`.
   */
  rescore(scope: TenantScope, id: string, options: RescoreOptions): Promise<BatchStatus>;
  change(scope: TenantScope, id: string, change: BatchChange): Promise<BatchStatus>;
  /** Deletes a batch. A running batch is stopped first. */
  remove(scope: TenantScope, id: string): Promise<void>;
  queueCounts(): Promise<QueueCounts[]>;
  /** Returns how much acknowledged work a crash of Redis may lose. */
  durability(): Promise<DurabilityLevel>;
  /** Returns a message for each setting that must be equal in all processes and is not. */
  unlikeSettings(): string[];
  /** Ends all event streams and all calls of `wait`. */
  close(): void;
}

export interface BatchesDeps extends Omit<IntakeDeps, 'bodyHashOf'> {
  ending: Ending;
  known: KnownIndexes;
  sharedSettings: Pick<SharedSettings, 'differences'>;
}

const waitPollMs = 50;
/** The maximum wait in ms of a cancel request. Most batches end in this time, so the response shows the final state. */
const cancelWaitMs = 1_000;

export function createBatches(deps: BatchesDeps): Batches {
  const { redis, payloads, known, places, queues, ending, durability, log } = deps;
  const source = { redis, payloads, known };
  const follower = createFollower(redis);
  const postedImages = createPostedImages(source);
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
    throw notFound(id);
  }

  const readWithColumns = (scope: TenantScope, id: string) => read(scope, id, findWithColumns);

  /** Returns the batch that a query names for comparison. @throws {ServiceError} `batch.not_found` */
  const readOther = async (scope: TenantScope, { other }: Rule) =>
    other === undefined ? undefined : await read(scope, other);

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
    { limits, idempotencyKey, statuses = ['failed'], onlyRetryable = false, onCreated }: RetryOptions = {},
  ): Promise<BatchStatus> {
    const record = await readWithColumns(scope, id);
    if (!terminalStates.has(record.state)) {
      throw new ServiceError(
        'batch.not_finished',
        'Only a batch that has ended can be retried; wait for its end or cancel it',
        { retryAfter: 5 },
      );
    }
    if (statuses.every((status) => record[status] === 0)) {
      throw new ServiceError('batch.nothing_to_retry', `No item of this batch is ${statuses.join(' or ')}`);
    }
    if (onlyRetryable && !statuses.includes('cancelled')) {
      const failures = await redis.hkeys(batchKeys(redis, id).failures);
      if (!failures.some((code) => isCode(code) && codes[code].retryable)) {
        throw new ServiceError('batch.nothing_to_retry', 'Every failed item of this batch would fail again');
      }
    }
    await checkInput(id);
    const { name, tags, priority, columns, columnNames, columnTypes } = record;
    const { embeddings, embeddingPrecision, dimensions, imagesFrom } = record;
    const which = [...new Set(statuses)].sort().join() + (onlyRetryable ? ',retryable' : '');
    const child = await post({
      tenant: record.tenant,
      ...(limits !== undefined && { limits }),
      pinned: pinnedOf(record),
      options: {
        ...{ name, tags, priority, columns, columnNames, columnTypes },
        ...{ embeddings, embeddingPrecision, dimensions, imagesFrom },
        requests: record.requests,
        retryOf: id,
        retryStatus: [...new Set(statuses)],
      },
      ...(record.output !== undefined && { output: (childId: string) => folderOfRetry(record, childId) }),
      // A retry has no body, so its hash comes from the id of the retried batch. The same idempotency key with another
      // batch is then refused.
      items: withFacts(retriedItems(source, record, statuses, onlyRetryable), () => ({
        bodyHash: () => (which === 'failed' ? `retry:${id}` : `retry:${id}:${which}`),
      })),
      idempotencyKey,
      onCreated: (childId) => onCreated?.(childId, record.tenant),
    });
    await setFields(redis, id, { retriedBy: child.id });
    return child;
  }

  async function rescore(
    scope: TenantScope,
    id: string,
    { pinned, texts = 'own', sample, name, limits, idempotencyKey, onCreated }: RescoreOptions,
  ): Promise<BatchStatus> {
    const record = await readWithColumns(scope, id);
    if (!terminalStates.has(record.state)) {
      throw new ServiceError(
        'batch.not_finished',
        'Only a batch that has ended can be scored again; wait for its end or cancel it',
        { retryAfter: 5 },
      );
    }
    if (record.requests !== undefined) {
      throw new ServiceError(
        'request.invalid',
        "This batch was posted through OpenAI's interface: it has requests, not pairs, and cannot be scored again",
      );
    }
    if (record.imagesFrom !== undefined && pinned !== undefined)
      pinnedByImages(await read(scope, record.imagesFrom), pinned);
    await checkInput(id);
    const { tags, priority, columns, columnNames, columnTypes, imagesFrom } = record;
    const chosen = pinned ?? pinnedOf(record);
    const child = await post({
      tenant: record.tenant,
      ...(limits !== undefined && { limits }),
      pinned: chosen,
      options: {
        ...{ name: name ?? record.name, tags, priority, columns, columnNames, columnTypes },
        ...{ rescoreOf: id, rescoreTexts: texts, imagesFrom },
      },
      items: withFacts(rescoredItems(source, record, { texts, sample }), () => ({
        bodyHash: () => `rescore:${id}:${chosen.model}:${texts}:${sample ?? ''}`,
      })),
      idempotencyKey,
      onCreated: (childId) => onCreated?.(childId, record.tenant),
    });
    if (texts === 'others') await setFields(redis, id, { wrongPairs: child.id });
    return child;
  }

  /** Throws when the items are no longer stored. @throws {ServiceError} `batch.input_expired` */
  async function checkInput(id: string): Promise<void> {
    if ((await redis.exists(batchKeys(redis, id).input(0))) === 1) return;
    throw new ServiceError(
      'batch.input_expired',
      'The items of this batch are no longer stored; post them again as a new batch',
    );
  }

  /**
   * Returns a folder named by the id of the retry: next to that of the retried batch if it is named likewise, otherwise
   * inside it.
   */
  function folderOfRetry({ id, tenant, output = '' }: BatchRecord, childId: string): string {
    const parent = output.endsWith(`/${id}/`) ? output.slice(0, -`${id}/`.length) : output;
    return formatS3Location(places.check(tenant, `${parent}${childId}/`, 'output'));
  }

  async function remove(scope: TenantScope, id: string): Promise<void> {
    const record = await read(scope, id);
    await ending.stop(id, { state: 'cancelled' });
    // Workers may still process jobs of this batch. The sweeper later removes the jobs of batches in this list.
    await enlistDeleted(redis, id, record.profile, await redisTime(redis));
    await ending.erase(record).catch((error: unknown) => {
      if (!(error instanceof ServiceError)) throw error;
      // Clients no longer see the batch. The sweeper removes the rest.
      log.warn({ err: error, batchId: id }, 'a batch is only partly deleted; a later sweep deletes the rest');
    });
    await queues.erase([record]).catch((error: unknown) => {
      log.warn({ err: error, batchId: id }, 'the jobs of a deleted batch are not yet removed from the queue');
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
        const withScores = async (record: BatchRecord) => ({
          ...(await toFullStatus(record)),
          ...(query.scores === 'true' && { scores: await readOutline(redis, record) }),
        });
        return { batches: await Promise.all(records.map(withScores)), next };
      }),
    results: (scope, id, query) =>
      guarded(async () => {
        const batch = await readWithColumns(scope, id);
        if (!isOrdered(query)) return await readResults(source, batch, query);
        const other = await readOther(scope, query);
        const page = await readOrdered(source, batch, query, other);
        if (other === undefined) return page;
        return { ...page, results: await withOther(source, other, page.results, query.items === 'true') };
      }),
    stream: (scope, id, format, query) =>
      guarded(async () => {
        const batch = await readWithColumns(scope, id);
        return isOrdered(query)
          ? await streamOrdered(source, batch, format, query, await readOther(scope, query))
          : streamResults(source, batch, format, query);
      }),
    escapedCells: (scope, id, query) => guarded(async () => escapedCellsOf(await readWithColumns(scope, id), query)),
    embeddings: (scope, id, query) => guarded(async () => readEmbeddings(source, await read(scope, id), query)),
    imagesFrom: (tenant, id, asked) => guarded(async () => pinnedByImages(await read(tenant, id), asked)),
    image: (scope, id, index) => guarded(async () => postedImages.read(await read(scope, id), index)),
    summary: (scope, id) => guarded(async () => readSummary(source, await read(scope, id))),
    compare: (scope, id, { other, ...query }) =>
      guarded(async () => compareBatches(source, await read(scope, id), await read(scope, other), query)),
    judgement: (scope, id) => guarded(async () => readJudgement(source, await read(scope, id))),
    startSample: (scope, id, start) =>
      guarded(async () => {
        const batch = await read(scope, id);
        await checkSampled(source, batch, start.indexes);
        const sample = randomUUID();
        const verdict = await startSample(redis, id, { ...start, sample });
        if (verdict !== 'started') throw verdict === 'gone' ? notFound(id) : otherSample();
        return { sample, right: 0, wrong: 0, open: start.indexes.length };
      }),
    setLabels: (scope, id, change) =>
      guarded(async () => {
        await read(scope, id);
        const labelled = await setLabels(redis, id, change);
        if (labelled === 'gone') throw notFound(id);
        if (labelled === 'other') throw otherSample();
        if ('outside' in labelled) throw outsideSample(change, labelled.outside);
        return labelled;
      }),
    deleteSample: (scope, id, sample) =>
      guarded(async () => {
        await read(scope, id);
        if ((await deleteSample(redis, id, sample)) === 'other') throw otherSample();
      }),
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
    rescore: (scope, id, options) => guarded(() => rescore(scope, id, options)),
    change: (scope, id, { name, tags, retentionHours }) =>
      guarded(async () => {
        await read(scope, id);
        const retentionMs = retentionHours === undefined ? undefined : Math.round(retentionHours * 3_600_000);
        await changeBatch(redis, id, { name: name === null ? '' : name, tags, retentionMs });
        return await status(scope, id);
      }),
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

const notFound = (id: string) => new ServiceError('batch.not_found', `There is no batch ${id.slice(0, 100)}`);

const otherSample = () =>
  new ServiceError(
    'batch.other_sample',
    'The sample of this batch was replaced or deleted meanwhile; read its judgement again',
  );

function outsideSample({ labels }: SampleLabels, outside: number): ServiceError {
  const path = `labels[${labels.findIndex(({ index }) => index === outside)}].index`;
  const message = `the sample has no pair with the index ${outside}`;
  return new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
}
