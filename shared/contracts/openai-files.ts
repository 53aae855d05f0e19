import { z } from 'zod';

const seconds = z.int().meta({ description: 'In seconds since 1970.' });

export const openAiFile = z
  .object({
    id: z.string(),
    object: z.literal('file'),
    bytes: z.int(),
    created_at: seconds,
    expires_at: seconds.nullable(),
    filename: z.string(),
    purpose: z.enum(['batch', 'batch_output']),
    status: z.literal('processed'),
  })
  .meta({ id: 'OpenAIFile' });
export type OpenAiFile = z.output<typeof openAiFile>;

export const openAiFileList = z
  .object({
    object: z.literal('list'),
    data: z.array(openAiFile),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'OpenAIFileList' });

export const openAiFileDeleted = z
  .object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })
  .meta({ id: 'OpenAIFileDeleted' });

/** The fields of an upload form. */
export const openAiUpload = z.strictObject({
  purpose: z.literal('batch', { error: 'only files for batches are stored: purpose must be batch' }),
  'expires_after[anchor]': z.literal('created_at').optional(),
  'expires_after[seconds]': z.coerce.number().int().min(3_600).max(2_592_000).optional(),
});

export const openAiFilePath = z.object({ id: z.string().meta({ description: 'Id of the file.' }) });

/** The query of a list, as in OpenAI's API. */
export const openAiPage = z.strictObject({
  after: z.string().optional().meta({ description: 'The last id of the previous page.' }),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
  purpose: z.string().optional().meta({ description: 'Only files of this purpose.' }),
  order: z
    .enum(['asc', 'desc'])
    .optional()
    .meta({ description: 'Accepted for compatibility and ignored: the latest files always come first.' }),
});
