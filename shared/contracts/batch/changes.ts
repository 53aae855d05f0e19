import { z } from 'zod';
import { model, name, rescoredTexts, tags } from './fields.ts';

/** The limits of the time in hours for which an ended batch is stored. */
export const minRetentionHours = 0.1;
export const maxRetentionHours = 8_760;

export const batchChange = z
  .strictObject({
    name: name.nullable().optional().meta({ description: 'null removes the name.' }),
    tags: tags.optional(),
    retentionHours: z.number().min(minRetentionHours).max(maxRetentionHours).optional().meta({
      description:
        'The time in hours from the end of the batch to its deletion. If this time has already passed, the batch is deleted soon.',
    }),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    error: 'expected `name`, `tags` or `retentionHours`',
  })
  .meta({ id: 'BatchChange', description: 'Fields that are left out do not change.' });
export type BatchChange = z.output<typeof batchChange>;

/** The outcomes of items that a retry can evaluate again. */
export const retriedStatus = z.enum(['failed', 'cancelled']);
export type RetriedStatus = z.output<typeof retriedStatus>;

export const retryQuery = z.strictObject({
  status: z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(retriedStatus))
    .optional()
    .meta({
      description:
        'The items to evaluate: `failed`, which is the default, `cancelled`, or `failed,cancelled`. With `cancelled`, a cancelled batch is continued.',
    }),
  retryable: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true`: of the failed items, only those that may succeed when they are retried.' }),
});

export const rescoreQuery = z.strictObject({
  model: model.meta({ description: 'A profile or a model name. Default: the model of the batch.' }),
  texts: rescoredTexts.optional().meta({
    description:
      '`own`, the default: each image is scored with its own text, for example by another model. `others`: each image is scored with the text of another item, which shows the scores that wrong pairs get.',
  }),
  sample: z.coerce.number().int().min(1).optional().meta({
    description:
      'The approximate number of items to score, spread evenly over the batch. Default: all items, each with the index that it has in the original batch.',
  }),
  name: name.optional().meta({ description: 'A display name. Default: the name of the original batch.' }),
});
export type RescoreQuery = z.output<typeof rescoreQuery>;
