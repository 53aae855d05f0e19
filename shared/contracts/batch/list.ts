import { z } from 'zod';
import { count, maxNameLength, tag } from './fields.ts';
import { batchState, batchStatus } from './status.ts';

export const listQuery = z.strictObject({
  state: z
    .string()
    .transform((states) => states.split(','))
    .pipe(z.array(batchState))
    .optional()
    .meta({ description: 'Only batches in one of these states, separated by commas.' }),
  tenant: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'For operators: batches of this tenant; `*` for all tenants.' }),
  q: z.string().min(1).max(maxNameLength).optional().meta({
    description: 'Only batches whose name, id or tag contains this value; upper and lower case count as the same.',
  }),
  tag: tag.optional().meta({ description: 'Only batches with this tag.' }),
  items: z.coerce.number().int().min(1).optional().meta({ description: 'Only batches with this number of items.' }),
  scores: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true`, each batch also has the mean and a coarse histogram of its scores.' }),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListQuery = z.output<typeof listQuery>;

/** The bins of {@link scoreOutline}: their width in points, and their number. */
export const outlineBin = { width: 2, count: 50 } as const;

export const scoreOutline = z
  .object({
    mean: z.number(),
    histogram: z.array(count).meta({
      description: `The number of succeeded items in each of ${outlineBin.count} bins of the score. A bin is ${outlineBin.width} points wide; the first one begins at 0.`,
    }),
  })
  .meta({ id: 'ScoreOutline' });
export type ScoreOutline = z.output<typeof scoreOutline>;

export const listedBatch = batchStatus
  .extend({
    scores: scoreOutline.nullable().optional().meta({
      description: 'With `scores=true`: the scores of the batch, also while it runs; null without succeeded items.',
    }),
  })
  .meta({ id: 'ListedBatch' });
export type ListedBatch = z.output<typeof listedBatch>;

export const batchList = z
  .object({ batches: z.array(listedBatch).meta({ description: 'The latest first.' }), next: z.string().nullable() })
  .meta({ id: 'BatchList' });
export type BatchList = z.output<typeof batchList>;
