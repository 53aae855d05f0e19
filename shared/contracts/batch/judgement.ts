import { z } from 'zod';
import { imageStored, pairFields } from '../item.ts';
import { count } from './fields.ts';

/** The maximum number of pairs in a sample. A request that labels all of them reads and writes them at once. */
export const maxSampled = 1_000;
/** The maximum number of score ranges from which a sample is taken. */
const maxEdges = 100;

export const label = z.enum(['right', 'wrong']).meta({
  id: 'PairLabel',
  description: '`right`: the text describes the image. `wrong`: it does not.',
});
export type PairLabel = z.output<typeof label>;

const sample = z.string().max(64).meta({ description: 'The id of the sample.' });
const edges = z.array(z.number().min(0)).max(maxEdges).meta({
  description:
    'The lower ends of the score ranges from which the pairs were sampled. An estimate weights each label by the pairs of its range.',
});
const threshold = z.number().min(0).max(100).meta({
  description: 'The threshold around which the pairs were sampled.',
});
const index = z.int().min(0).meta({ description: 'The index of an item of the batch.' });

export const sampleStart = z
  .strictObject({
    threshold: threshold.optional(),
    edges,
    indexes: z
      .array(index)
      .min(1)
      .max(maxSampled)
      .refine((list) => new Set(list).size === list.length, { error: 'expected different indexes' })
      .meta({ description: 'The pairs to judge, in this order. Each must have a score.' }),
    replaces: sample.nullable().optional().meta({
      description:
        'The sample that this one replaces, or null if the batch must have none. If the batch has another sample, the request is refused with `batch.other_sample`. Without this field, any sample is replaced.',
    }),
  })
  .meta({ id: 'SampleStart', description: 'A sample of the pairs of a batch, to be judged by people.' });
export type SampleStart = z.output<typeof sampleStart>;

export const sampleLabels = z
  .strictObject({
    sample,
    labels: z
      .array(
        z.strictObject({ index, label: label.nullable().meta({ description: 'null removes the label.' }) }).meta({
          id: 'SampleLabel',
        }),
      )
      .min(1)
      .max(maxSampled)
      .meta({ description: 'Other labels of the sample do not change.' }),
  })
  .meta({ id: 'SampleLabels' });
export type SampleLabels = z.output<typeof sampleLabels>;

export const sampleQuery = z.strictObject({
  sample: sample.optional().meta({
    description: 'Deletes only the sample with this id. Default: deletes any sample.',
  }),
});

export const sampleCounts = z
  .object({
    sample,
    right: count,
    wrong: count,
    open: count.meta({ description: 'The number of pairs without a label.' }),
  })
  .meta({ id: 'SampleCounts', description: 'The number of pairs of the whole sample by label.' });
export type SampleCounts = z.output<typeof sampleCounts>;

export const judgedPair = z
  .object({
    index,
    id: z.string().optional(),
    text: z.string(),
    image: z.string().nullable().meta({ description: 'The HTTP address of the image; null for any other source.' }),
    imagePath: z.string().optional().meta({
      description: 'The path of the image file, if the image was posted with a path.',
    }),
    imageStored,
    ...pairFields,
    label: label.optional(),
  })
  .meta({ id: 'JudgedPair' });
export type JudgedPair = z.output<typeof judgedPair>;

export const judgement = z
  .object({
    sample: sample.nullable().meta({ description: 'The id of the sample; null if the batch has none.' }),
    threshold: threshold.optional(),
    edges,
    pairs: z.array(judgedPair).meta({ description: 'The pairs in the order of the sample.' }),
  })
  .meta({ id: 'Judgement', description: 'A sample of the pairs of a batch, with the labels that people gave.' });
export type Judgement = z.output<typeof judgement>;
