import { z } from 'zod';
import { codeNames } from '../../errors.ts';
import { itemResult, longText } from '../item.ts';
import { requestBatch } from '../requests.ts';
import { arm } from '../traffic.ts';
import { retriedStatus } from './changes.ts';
import { embeddingsStatus } from './embeddings.ts';
import { count, rescoredTexts } from './fields.ts';

export const batchStates = [
  'accepting',
  'queued',
  'running',
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
] as const;
export const batchState = z.enum(batchStates).meta({ id: 'BatchState' });
export type BatchState = z.output<typeof batchState>;

export const terminalStates: ReadonlySet<BatchState> = new Set([
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
]);

/**
 * `all_failed`: no item succeeded. `failure_budget`: more items failed than the budget allows. `input`: the input
 * object could not be read. `input_lost`: the stored items were lost. `model_unavailable`: the model could not be
 * loaded.
 */
export const failureReason = z.enum(['all_failed', 'failure_budget', 'input', 'input_lost', 'model_unavailable']);
export type FailureReason = z.output<typeof failureReason>;

export const batchStatus = z
  .object({
    id: z.string(),
    tenant: z.string().meta({ description: 'The tenant of the batch; `default` if no keys are required.' }),
    name: z.string().nullable(),
    tags: z.array(z.string()),
    state: batchState,
    phase: z.enum(['waiting', 'evaluating', 'stopping', 'finished']).meta({
      description:
        '`evaluating`: a worker is evaluating items of the batch. After a crash of the worker, the phase remains `evaluating` for up to 20 s. `stopping`: the batch was cancelled or too many items failed; it ends when the workers have finished its items in flight, within 45 s.',
    }),
    model: z.string(),
    revision: z.string(),
    precision: z.string(),
    preprocess: z.string(),
    textCleaning: z.string().nullable(),
    longText: longText.unwrap(),
    pairProbabilities: z.boolean().meta({
      description:
        'True if each result has the probability that its text describes its image. Only models of the SigLIP families have it.',
    }),
    traffic: z
      .array(arm.pick({ role: true, model: true, revision: true, share: true }))
      .nullable()
      .meta({
        description:
          'The models that share the items of the batch, as configured when it was posted; null for a single model.',
      }),
    priority: z.int(),
    items: z.object({ total: count, succeeded: count, failed: count, cancelled: count, pending: count }),
    failures: z.partialRecord(z.enum(codeNames), count).meta({ description: 'Failed items by code.' }),
    itemsPerSecond: z
      .number()
      .nullable()
      .meta({ description: 'The recent rate while the batch runs; afterwards the mean rate.' }),
    etaSeconds: z.number().nullable(),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable().meta({ description: 'The time at which items and results are deleted.' }),
    reason: failureReason.nullable().meta({ description: 'The reason of a `failed` batch.' }),
    waitingFor: z.string().nullable().meta({
      description:
        'The reason why workers cannot evaluate the batch now, for example that its model cannot be loaded. After 15 minutes without an outcome the batch fails with the reason `model_unavailable`.',
    }),
    failureBudget: z
      .object({ count: count.nullable(), share: z.number().nullable(), after: count })
      .nullable()
      .meta({ description: 'The failure budget that was posted with the batch; null for no limit.' }),
    input: z.string().nullable().meta({ description: 'The input object of a batch by reference.' }),
    inputError: z
      .object({ code: z.enum(codeNames), message: z.string() })
      .nullable()
      .meta({ description: 'The error of the input object if the reason is `input`.' }),
    files: z
      .object({
        state: z.enum(['pending', 'written', 'failed']),
        results: z.string(),
        csv: z
          .string()
          .nullable()
          .meta({ description: 'The results as CSV, if the input was CSV or `tables` names it.' }),
        parquet: z
          .string()
          .nullable()
          .meta({ description: 'The results as Parquet, if the input was Parquet or `tables` names it.' }),
        kept: z.string().nullable().meta({
          description:
            'The samples that `keep` selects, as a tar or as Parquet; null without `keep`, and when the input could not be read.',
        }),
        keptIds: z.string().nullable().meta({ description: 'The ids of the samples in `kept`, one per line.' }),
        failures: z.string().meta({ description: 'The failed items, which can be posted again unchanged.' }),
        status: z
          .string()
          .meta({ description: 'The status of the batch as a file, which is written after the other files.' }),
        error: z.string().nullable(),
      })
      .nullable()
      .meta({
        description: 'The result files of a batch whose items were read from an object; written when it has ended.',
      }),
    embeddings: embeddingsStatus
      .nullable()
      .meta({ description: 'The stored embeddings of the batch, if it keeps any.' }),
    imagesFrom: z.string().nullable().meta({
      description: 'The batch whose stored image embeddings this batch compares with its texts.',
    }),
    retryOf: z.string().nullable().meta({ description: 'The batch whose failed items this batch retries.' }),
    retryStatus: z.array(retriedStatus).nullable().meta({
      description:
        'The states that the items of a retry had in the batch `retryOf`. Only `cancelled`: this batch continues a cancelled one. Null for other batches and for retries of older releases.',
    }),
    retriedBy: z
      .string()
      .nullable()
      .meta({ description: 'The latest batch that retries the failed items of this batch.' }),
    rescoreOf: z.string().nullable().meta({
      description:
        'The batch whose items this batch scores again. Without `sample`, an item has the same index in both batches.',
    }),
    texts: rescoredTexts.meta({
      description: '`others`: each image was scored with the text of another item of the batch `rescoreOf`.',
    }),
    wrongPairs: z.string().nullable().meta({
      description: 'The latest batch that scores each image of this batch with the text of another item.',
    }),
    traceId: z.string().nullable().meta({ description: 'The id of the trace of this batch, if it is traced.' }),
    requests: requestBatch
      .nullable()
      .meta({ description: "Facts about a batch that was posted through OpenAI's interface. Its items are requests." }),
    webhook: z
      .object({
        url: z.string(),
        state: z.enum(['pending', 'delivered', 'failed']),
        attempts: count,
        error: z.string().nullable(),
      })
      .nullable(),
    links: z.object({
      self: z.string(),
      results: z.string(),
      summary: z.string(),
      events: z.string(),
      cancel: z.string(),
      retry: z.string(),
    }),
  })
  .meta({ id: 'BatchStatus' });
export type BatchStatus = z.output<typeof batchStatus>;

/** The response to `Prefer: wait=N` if the batch has ended in time. */
export const batchWithResults = batchStatus
  .extend({ results: z.array(itemResult).meta({ description: 'In the order of the items.' }) })
  .meta({ id: 'BatchWithResults' });
export type BatchWithResults = z.output<typeof batchWithResults>;
