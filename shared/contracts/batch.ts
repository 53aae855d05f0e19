import { z } from 'zod';
import { codeNames } from '../errors.ts';
import { batchItem, itemResult } from './item.ts';

/** Most items one JSON body may carry: the body limit is reached long before with anything but short URLs. */
export const maxJsonItems = 1_000_000;

const model = z.string().min(1).optional().meta({ description: 'A profile or a model name.', example: 'compact' });

/** The JSON envelope as it is checked: items stay unknown here, because a bad item fails alone. */
export const batchEnvelope = z.strictObject({ items: z.array(z.unknown()).max(maxJsonItems), model });

/** The same envelope as clients write it; the documented form. */
export const batchRequest = z.strictObject({ items: z.array(batchItem).min(1), model }).meta({ id: 'BatchRequest' });

export const batchQuery = z.strictObject({
  strict: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'With `true`, one bad item refuses the whole batch with 400.' }),
});

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

/** States a batch never leaves. */
export const terminalStates: ReadonlySet<BatchState> = new Set([
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
]);

export const failureReason = z.enum(['all_failed', 'failure_budget']);

const count = z.int().min(0);

export const batchStatus = z
  .object({
    id: z.string(),
    state: batchState,
    model: z.string(),
    revision: z.string(),
    precision: z.string(),
    preprocess: z.string(),
    items: z.object({ total: count, succeeded: count, failed: count, cancelled: count, pending: count }),
    failures: z.partialRecord(z.enum(codeNames), count).meta({ description: 'Failed items by code.' }),
    itemsPerSecond: z.number().nullable(),
    etaSeconds: z.number().nullable(),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable().meta({ description: 'When items and results are forgotten.' }),
    reason: failureReason.nullable().meta({ description: 'Why a batch is `failed`.' }),
    links: z.object({ self: z.string(), results: z.string() }),
  })
  .meta({ id: 'BatchStatus' });
export type BatchStatus = z.output<typeof batchStatus>;

export const batchPath = z.object({ id: z.string().meta({ description: 'Id of the batch.' }) });

export const resultsQuery = z.strictObject({
  cursor: z.string().optional().meta({ description: '`next` of the page before. Absent: the first page.' }),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  status: z.enum(['succeeded', 'failed', 'cancelled']).optional().meta({ description: 'Only items of this outcome.' }),
});
export type ResultsQuery = z.output<typeof resultsQuery>;

export const resultsPage = z
  .object({
    results: z.array(itemResult).meta({ description: 'In the order in which they were evaluated.' }),
    next: z
      .string()
      .nullable()
      .meta({ description: 'Cursor of the next page; also given while the batch runs. null: all has been read.' }),
  })
  .meta({ id: 'ResultsPage' });
export type ResultsPage = z.output<typeof resultsPage>;
