import { z } from 'zod';
import { lineEndpoint } from './requests.ts';

const seconds = z.int().meta({ description: 'In seconds since 1970.' });
const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'at most 16 pairs are allowed' })
  .nullish();

export const openAiBatchRequest = z
  .strictObject({
    input_file_id: z.string(),
    endpoint: lineEndpoint,
    completion_window: z
      .string()
      .max(20)
      .regex(/^\d+[smhd]$/, { error: 'expected a time such as 24h' })
      .meta({
        description: 'Accepted for compatibility and ignored: a batch runs as soon as possible.',
        example: '24h',
      }),
    metadata,
    output_expires_after: z
      .object({ anchor: z.literal('created_at'), seconds: z.int() })
      .optional()
      .meta({
        description: 'Accepted for compatibility and ignored: the outputs are stored for BATCH_RETENTION_HOURS.',
      }),
  })
  .meta({ id: 'OpenAIBatchRequest' });

export const openAiBatch = z
  .object({
    id: z.string(),
    object: z.literal('batch'),
    endpoint: lineEndpoint,
    model: z.string(),
    errors: z
      .object({
        object: z.literal('list'),
        data: z.array(
          z.object({ code: z.string(), message: z.string(), param: z.string().nullable(), line: z.int().nullable() }),
        ),
      })
      .nullable(),
    input_file_id: z.string(),
    completion_window: z.string(),
    status: z.enum(['validating', 'failed', 'in_progress', 'finalizing', 'completed', 'cancelling', 'cancelled']),
    output_file_id: z.string().nullable(),
    error_file_id: z.string().nullable(),
    created_at: seconds,
    in_progress_at: seconds.nullable(),
    expires_at: seconds.nullable(),
    finalizing_at: seconds.nullable(),
    completed_at: seconds.nullable(),
    failed_at: seconds.nullable(),
    expired_at: seconds.nullable(),
    cancelling_at: seconds.nullable(),
    cancelled_at: seconds.nullable(),
    request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
    metadata: z.record(z.string(), z.string()).nullable(),
  })
  .meta({ id: 'OpenAIBatch' });
export type OpenAiBatch = z.output<typeof openAiBatch>;

export const openAiBatchList = z
  .object({
    object: z.literal('list'),
    data: z.array(openAiBatch),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'OpenAIBatchList' });

export const openAiBatchPath = z.object({ id: z.string().meta({ description: 'Id of the batch.' }) });
export const openAiBatchPage = z.strictObject({
  after: z.string().optional().meta({ description: 'The last id of the previous page.' }),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});
