import { z } from 'zod';
import { imageStored } from '../item.ts';
import { count } from './fields.ts';
import { batchState } from './status.ts';

const extreme = z.object({
  index: count,
  id: z.string().optional(),
  cosine: z.number(),
  score: z.number(),
  text: z.string().meta({ description: 'The first 300 characters of the text.' }),
  image: z.string().nullable().meta({ description: 'The address of the image; null for an inline image.' }),
  imageStored,
});
export type Extreme = z.output<typeof extreme>;

export const scorePercentile = z.object({ percent: z.int(), cosine: z.number(), score: z.number() });

export const batchSummary = z
  .object({
    id: z.string(),
    state: batchState,
    succeeded: count,
    mean: z.object({ cosine: z.number(), score: z.number() }).nullable(),
    histogram: z.array(z.object({ from: z.number(), to: z.number(), count })).meta({
      description:
        'The number of succeeded items in each bin of the cosine. A bin is 0.0025 wide (0.01 in a batch of an older release). Empty bins at both ends are left out.',
    }),
    percentiles: z.array(scorePercentile).meta({
      description:
        'Percentiles of the cosines and of the scores of the succeeded items. A percentile between two items is interpolated linearly, as numpy and pandas do by default, and rounded like a cosine or score. Percentile 50 is the median. Empty without succeeded items.',
    }),
    percentilesExact: z.boolean().meta({
      description:
        'True for a batch that has ended. While it runs, this is false: percentiles are estimated from the histogram, with an error of up to one bin.',
    }),
    lowest: z.array(extreme).meta({ description: 'The 50 items with the lowest cosines, the lowest first.' }),
    highest: z.array(extreme).meta({ description: 'The 50 items with the highest cosines, the highest first.' }),
    formulaCells: count.meta({
      description: 'The number of cells that are changed in CSV with `formulas=escape`. NDJSON never changes a cell.',
    }),
  })
  .meta({ id: 'BatchSummary' });
export type BatchSummary = z.output<typeof batchSummary>;
