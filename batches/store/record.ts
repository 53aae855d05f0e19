import { z } from 'zod';
import { columnTypes } from '../../formats/format.ts';
import { retriedStatus } from '../../shared/contracts/batch/changes.ts';
import { embeddingPrecision, kept } from '../../shared/contracts/batch/embeddings.ts';
import { keptSamples, tableFormat } from '../../shared/contracts/batch/post.ts';
import { type BatchStatus, batchState, failureReason, terminalStates } from '../../shared/contracts/batch/status.ts';
import { scorePercentile } from '../../shared/contracts/batch/summary.ts';
import { longText } from '../../shared/contracts/item.ts';
import { linksOfBatch } from '../../shared/contracts/paths.ts';
import { requestBatch } from '../../shared/contracts/requests.ts';
import { trafficPlan } from '../../shared/contracts/traffic.ts';
import { type Code, isCode } from '../../shared/errors.ts';
import { keptBytes } from './embeddings.ts';
import { filesOf } from './files-of.ts';

const count = z.coerce.number().int().min(0);
const time = z.coerce.number().int();
const json = z.string().transform((text): unknown => JSON.parse(text));

const columnNames = z.object({ image: z.string(), text: z.string(), id: z.string() });

const reading = z.object({
  columns: columnNames,
  /** Absent when it is the usual separator of the format. */
  delimiter: z.string().optional(),
  encoding: z.string().optional(),
  strictness: z.enum(['lenient', 'strict']),
  queuedItems: count,
  sharesMemory: z.boolean().default(false),
});
export type Reading = z.output<typeof reading>;

/** The record of a batch, parsed from its Redis hash. Times are in ms since 1970. */
export const batchRecord = z.object({
  v: count,
  id: z.string(),
  tenant: z.string(),
  /** The share of the workers that the tenant had when it posted the batch, relative to other tenants. */
  weight: z.coerce.number().default(1),
  /** The queue of the batch: the first profile of its model, or the name of a model without a profile. */
  profile: z.string(),
  /** The profile or model that the post requested, or the default model. Absent in batches of older releases. */
  postedName: z.string().optional(),
  model: z.string(),
  revision: z.string(),
  precision: z.string(),
  preprocess: z.string(),
  /** Absent in batches of older releases. */
  textCleaning: z.string().optional(),
  longText,
  /** True when a model of the batch computes a probability for each pair. Absent in batches of older releases. */
  pairProbabilities: json.pipe(z.boolean()).optional(),
  /** The models among which the items are divided. Absent with a single model. */
  traffic: json.pipe(trafficPlan).optional(),
  /** An empty name means none. */
  name: z.string().optional(),
  tags: json.pipe(z.array(z.string())).optional(),
  /** The time in ms for which the batch is stored after its end. Absent when the default of the service applies. */
  retentionMs: count.optional(),
  state: batchState,
  createdAt: time,
  startedAt: time.optional(),
  finishedAt: time.optional(),
  expiresAt: time.optional(),
  reason: failureReason.optional(),
  /**
   * The final state of a stopped batch, its reason, and the time until which chunks in flight may be committed; see
   * lifecycle/steps/stop.lua.
   */
  stopState: z.enum(['cancelled', 'failed']).optional(),
  stopReason: z.union([failureReason, z.literal('')]).optional(),
  stopUntil: time.optional(),
  /** The reason why no worker can evaluate the batch now, and since when; see lifecycle/steps/block.lua. */
  waitingFor: z.string().optional(),
  waitingSince: time.optional(),
  total: count.default(0),
  chunks: count.default(0),
  /** The number of chunks that have been queued. */
  cursor: count.default(0),
  succeeded: count,
  failed: count,
  cancelled: count,
  priority: z.coerce.number().int().default(0),
  budgetCount: count.optional(),
  budgetShare: z.coerce.number().optional(),
  budgetAfter: count.optional(),
  /**
   * The SHA-256 of the body of the post, and of its idempotency key, if it had one. Older releases stored no `keyHash`.
   */
  bodyHash: z.string().optional(),
  keyHash: z.string().optional(),
  /** The bytes that the inputs and the results take in Redis. Absent in batches of older releases. */
  inputBytes: count.optional(),
  outputBytes: count.optional(),
  /** The columns of the posted table, which the results in CSV repeat. */
  columns: json.pipe(z.array(z.string())).optional(),
  /** The table columns of image, text and id. */
  columnNames: json.pipe(columnNames).optional(),
  /** Absent when all columns are text. */
  columnTypes: json.pipe(z.array(z.enum(columnTypes))).optional(),
  /** The W3C trace context of the post. The spans of the chunks belong to the same trace. */
  traceparent: z.string().optional(),
  /** For a batch by reference: the address of the object with its items, and its ETag at the post. */
  input: z.string().optional(),
  inputEtag: z.string().optional(),
  /** How to read the input object, and the limits of the tenant. */
  reading: json.pipe(reading).optional(),
  inputErrorCode: z.string().refine(isCode).optional(),
  inputErrorMessage: z.string().optional(),
  output: z.string().optional(),
  /** The requested table formats. Older releases ignore them and write the table format of the input. */
  tables: json.pipe(z.array(tableFormat)).optional(),
  /** Conditions that select samples, which are written in the form of the input. Older releases ignore them. */
  keep: json.pipe(keptSamples).optional(),
  filesState: z.enum(['pending', 'written', 'failed']).optional(),
  filesError: z.string().optional(),
  /** Present for a batch of the OpenAI-compatible interface, whose items are requests. */
  requests: json.pipe(requestBatch).optional(),
  /** The kinds of embeddings that the batch stores, their number type, and their length. */
  embeddings: kept.optional(),
  embeddingPrecision: embeddingPrecision.optional(),
  dimensions: count.optional(),
  /** The earlier batch whose stored image embeddings this batch uses. An image is then the index of an item there. */
  imagesFrom: z.string().optional(),
  retryOf: z.string().optional(),
  /** The states of the retried items. Absent in retries of older releases. */
  retryStatus: json.pipe(z.array(retriedStatus)).optional(),
  /** The latest retry of this batch. */
  retriedBy: z.string().optional(),
  /** The batch whose items this batch scores again, and the texts that it uses. */
  rescoreOf: z.string().optional(),
  rescoreTexts: z.enum(['own', 'others']).optional(),
  /** The latest batch that scores the images of this batch with the texts of other items. */
  wrongPairs: z.string().optional(),
  webhookUrl: z.string().optional(),
  webhookState: z.enum(['pending', 'delivered', 'failed']).optional(),
  webhookAttempts: count.optional(),
  webhookError: z.string().optional(),
  /** The number of CSV cells that the option `formulas=escape` changes. */
  succeededFormulas: count.default(0),
  failedFormulas: count.default(0),
  /**
   * Stored at the first summary after the end of the batch. Older releases store percentiles by nearest rank in the
   * field `percentiles`.
   */
  exactPercentiles: json.pipe(z.array(scorePercentile)).optional(),
  cosineSum: z.coerce.number().default(0),
  scoreSum: z.coerce.number().default(0),
  /** A time five to ten seconds ago, and the number of outcomes then. */
  markAt: time.optional(),
  markItems: count.optional(),
});
export type BatchRecord = z.output<typeof batchRecord>;

/** Returns true when clients can see a batch. It is invisible while a client sends its items. */
export const isVisible = ({ state, input }: BatchRecord): boolean => state !== 'accepting' || input !== undefined;

/** The fields that are fixed when a batch is posted. */
export type Pinned = Pick<
  BatchRecord,
  | 'profile'
  | 'postedName'
  | 'model'
  | 'revision'
  | 'precision'
  | 'preprocess'
  | 'textCleaning'
  | 'longText'
  | 'pairProbabilities'
  | 'traffic'
>;

/** Returns the fields that a new evaluation of the same items inherits. */
export function pinnedOf(record: BatchRecord): Pinned {
  const { profile, postedName, model, revision, precision, preprocess, textCleaning } = record;
  const { longText, pairProbabilities, traffic } = record;
  return {
    ...{ profile, postedName, model, revision, precision, preprocess, textCleaning },
    ...{ longText, pairProbabilities, traffic },
  };
}

/** Returns the metric labels of a batch: its queue, and the profile or model that the post named. */
export const labelsOf = ({ profile, postedName = profile }: Pick<BatchRecord, 'profile' | 'postedName'>) => ({
  queue: profile,
  profile: postedName,
});

export type BatchOptions = Readonly<
  Partial<
    Pick<
      BatchRecord,
      | 'name'
      | 'tags'
      | 'priority'
      | 'budgetCount'
      | 'budgetShare'
      | 'budgetAfter'
      | 'columns'
      | 'columnNames'
      | 'columnTypes'
      | 'output'
      | 'tables'
      | 'keep'
      | 'requests'
      | 'embeddings'
      | 'embeddingPrecision'
      | 'dimensions'
      | 'imagesFrom'
      | 'retryOf'
      | 'retryStatus'
      | 'rescoreOf'
      | 'rescoreTexts'
      | 'webhookUrl'
    >
  >
>;

/** The fields that are needed to queue chunks. */
export type Dispatched = Pick<BatchRecord, 'id' | 'tenant' | 'profile' | 'priority'>;

/** Converts fields of a record to fields of a Redis hash, without undefined ones. */
export function toHash(fields: object): Record<string, string | number> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    present.map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]),
  );
}

/** The time in ms from which a rate predicts the end. The first chunks end late, so that the rate is too low. */
const rateMs = 2_000;

/** Returns the status of a batch as clients see it. @param active the number of chunks that workers are evaluating. */
export function toStatus(
  record: BatchRecord,
  failures: Record<string, string>,
  active: number,
  now: number,
): BatchStatus {
  const settled = record.succeeded + record.failed + record.cancelled;
  const pending = Math.max(0, record.total - settled);
  const terminal = terminalStates.has(record.state);
  const isYoung = now - (record.startedAt ?? now) < rateMs;
  const rate = rateOf(record, terminal ? record.succeeded + record.failed : settled, now);
  return {
    id: record.id,
    tenant: record.tenant,
    name: record.name || null,
    tags: record.tags ?? [],
    state: record.state,
    phase: phaseOf(record, active),
    model: record.model,
    revision: record.revision,
    precision: record.precision,
    preprocess: record.preprocess,
    textCleaning: record.textCleaning ?? null,
    longText: record.longText,
    pairProbabilities: record.pairProbabilities ?? false,
    traffic: record.traffic?.arms.map(({ role, model, revision, share }) => ({ role, model, revision, share })) ?? null,
    priority: record.priority,
    items: {
      total: record.total,
      succeeded: record.succeeded,
      failed: record.failed,
      cancelled: record.cancelled,
      pending,
    },
    failures: Object.fromEntries(Object.entries(failures).map(([code, failed]) => [code as Code, Number(failed)])),
    itemsPerSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds: terminal || rate === null || isYoung ? null : Math.ceil(pending / rate),
    createdAt: timestamp(record.createdAt),
    startedAt: timestampOrNull(record.startedAt),
    finishedAt: timestampOrNull(record.finishedAt),
    expiresAt: timestampOrNull(record.expiresAt),
    reason: record.reason ?? null,
    waitingFor: terminal ? null : (record.waitingFor ?? null),
    failureBudget: budgetOf(record),
    input: record.input ?? null,
    inputError:
      record.inputErrorCode === undefined
        ? null
        : { code: record.inputErrorCode, message: record.inputErrorMessage ?? '' },
    files: filesOf(record),
    requests: record.requests ?? null,
    embeddings: embeddingsOf(record),
    imagesFrom: record.imagesFrom ?? null,
    retryOf: record.retryOf ?? null,
    retryStatus: record.retryStatus ?? null,
    retriedBy: record.retriedBy ?? null,
    rescoreOf: record.rescoreOf ?? null,
    texts: record.rescoreTexts ?? 'own',
    wrongPairs: record.wrongPairs ?? null,
    traceId: /^00-(\w+)-\w+-01$/.exec(record.traceparent ?? '')?.[1] ?? null,
    webhook:
      record.webhookUrl === undefined
        ? null
        : {
            url: record.webhookUrl,
            state: record.webhookState ?? 'pending',
            attempts: record.webhookAttempts ?? 0,
            error: record.webhookError || null,
          },
    links: linksOfBatch(record.id),
  };
}

function budgetOf({
  budgetCount: count,
  budgetShare: share,
  budgetAfter: after,
}: BatchRecord): BatchStatus['failureBudget'] {
  if (count === undefined && share === undefined) return null;
  return { count: count ?? null, share: share ?? null, after: after ?? 0 };
}

function embeddingsOf(record: BatchRecord): BatchStatus['embeddings'] {
  const { embeddings: of, embeddingPrecision: precision = 'float16', dimensions = 0, total } = record;
  return of === undefined ? null : { of, precision, dimensions, bytes: total * keptBytes(record) };
}

function phaseOf({ state, stopState }: BatchRecord, active: number): BatchStatus['phase'] {
  if (terminalStates.has(state)) return 'finished';
  if (stopState !== undefined) return 'stopping';
  return state === 'running' && active > 0 ? 'evaluating' : 'waiting';
}

/** Returns items per second: recent for a running batch, and the mean of an ended one. */
function rateOf(record: BatchRecord, settled: number, now: number): number | null {
  if (record.startedAt === undefined) return null;
  const from = record.finishedAt === undefined ? (record.markAt ?? record.startedAt) : record.startedAt;
  const before = record.finishedAt === undefined ? (record.markItems ?? 0) : 0;
  const seconds = ((record.finishedAt ?? now) - from) / 1000;
  return seconds > 0 && settled > before ? (settled - before) / seconds : null;
}

const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();
const timestampOrNull = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : timestamp(milliseconds);
