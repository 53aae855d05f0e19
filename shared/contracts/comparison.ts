import { z } from 'zod';
import { imageStored } from './item.ts';

const count = z.int().min(0);
/** A score limit, parsed with a pattern because `z.coerce.number` would convert an empty value to 0. */
const scoreLimit = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, { error: 'a number is expected' })
  .transform(Number)
  .optional();

/** The default length of each list of disagreements: items higher in this batch, and in the other. */
export const disagreementsShown = 12;

export const comparisonQuery = z.strictObject({
  other: z.string().max(64).meta({ description: 'The id of another batch with the same number of items.' }),
  threshold: scoreLimit.meta({ description: 'A threshold for this batch. Without it, `sides` is null.' }),
  otherThreshold: scoreLimit.meta({
    description:
      'A threshold for the other batch. Default: `threshold`, if both batches have the same model and revision, or if as many items reach it in the other batch. Otherwise the shortest number that as many items reach in the other batch, or fewer if equal scores prevent the same number.',
  }),
  disagreements: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .optional()
    .meta({ description: `Maximum length of each list of disagreements. Default: ${disagreementsShown}.` }),
});
export type ComparisonQuery = z.output<typeof comparisonQuery>;

const unmatched = z.object({
  items: count,
  reaching: count.nullable().meta({ description: 'Those that reach the threshold of the batch; null without one.' }),
});

const share = z.number().min(0).max(1);

const disagreement = z.object({
  index: count,
  id: z.string().optional(),
  text: z.string().meta({ description: 'The first 300 characters of the text.' }),
  otherText: z.string().optional().meta({ description: 'The text in the other batch, if it differs.' }),
  image: z.string().nullable().meta({ description: 'The address of the image; null for an inline image.' }),
  imageStored,
  score: z.number(),
  otherScore: z.number(),
  rank: share.meta({
    description:
      'The share of the compared items that have a lower score than this item; items with the same score count half.',
  }),
  otherRank: share,
});
export type Disagreement = z.output<typeof disagreement>;

export const batchComparison = z
  .object({
    id: z.string(),
    other: z.string(),
    items: count.meta({ description: 'The number of items in each of the two batches.' }),
    compared: count.meta({
      description:
        'The number of items with a score in both batches. All other figures of the comparison except `unmatched` cover only these items.',
    }),
    unmatched: z
      .object({ onlyThis: unmatched, onlyOther: unmatched })
      .meta({ description: 'The items that have a score in only one of the two batches, so far.' }),
    rankCorrelation: z.number().min(-1).max(1).nullable().meta({
      description:
        "Spearman's correlation of the cosines; items of the same cosine share their mean rank. Null for fewer than two items, or when all items of a batch have the same cosine.",
    }),
    meanDifference: z
      .number()
      .nullable()
      .meta({ description: 'The mean difference of the scores: this batch minus the other batch.' }),
    meanAbsoluteDifference: z.number().nullable(),
    sides: z
      .object({
        threshold: z.number(),
        otherThreshold: z.number(),
        both: count.meta({ description: 'Items that reach the thresholds of both batches.' }),
        onlyThis: count,
        onlyOther: count,
        neither: count,
      })
      .nullable(),
    bins: z
      .object({
        width: z.number().meta({ description: 'The width of a bin in points of score of this batch.' }),
        otherWidth: z.number(),
        cells: z.array(
          z.object({ from: z.number(), otherFrom: z.number(), count: count }).meta({
            description:
              'The number of items whose score in this batch is in the bin that begins at `from`, and whose score in the other batch is in the bin that begins at `otherFrom`.',
          }),
        ),
      })
      .meta({ description: 'A two-dimensional histogram of the scores in the two batches. Empty bins are left out.' }),
    disagreements: z
      .object({
        higherHere: z.array(disagreement),
        higherThere: z.array(disagreement),
      })
      .meta({
        description:
          'The items that differ most, the largest difference first: by their scores, if both batches have the same model and revision, otherwise by their ranks.',
      }),
  })
  .meta({ id: 'BatchComparison', description: 'Two batches of the same items. Items are matched by their index.' });
export type BatchComparison = z.output<typeof batchComparison>;
