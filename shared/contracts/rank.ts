import { z } from 'zod';
import { imageSource, itemErrorSchema, longText, receipt, scoreFields } from './item.ts';
import { maxTexts, timings } from './single.ts';

/** The maximum number of images in a ranking, all of which are downloaded and decoded while the client waits. */
export const maxRankedImages = 64;

const model = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .meta({ description: 'A profile or a model name.', example: 'compact' });

export const rankRequest = z
  .union(
    [
      z.strictObject({ image: imageSource, texts: z.array(z.string()).min(1).max(maxTexts), model, longText }),
      z.strictObject({ images: z.array(imageSource).min(1).max(maxRankedImages), text: z.string(), model, longText }),
    ],
    {
      error: `expected {image, texts} for one image and 1 to ${maxTexts} texts, or {images, text} for 1 to ${maxRankedImages} images and one text`,
    },
  )
  .meta({ id: 'RankRequest' });
export type RankRequest = z.output<typeof rankRequest>;

const ranked = z.object({
  index: z.int().min(0).meta({ description: 'Position in the posted candidates, from 0.' }),
  text: z.string().optional().meta({ description: 'The candidate, if the candidates are texts.' }),
  ...scoreFields,
  probability: z.number().min(0).max(1).meta({
    description:
      'Softmax of logit scale * cosine over the candidates of this request; compare it only within the request. For models of the SigLIP families: the sigmoid of logit scale * cosine + logit bias of the pair.',
  }),
});

export const rankResponse = z
  .object({
    results: z.array(ranked).meta({ description: 'The best candidate first.' }),
    failures: z
      .array(z.object({ index: z.int().min(0), error: itemErrorSchema }))
      .meta({ description: 'Images that could not be evaluated; the others are ranked without them.' }),
    probabilities: z.enum(['softmax', 'sigmoid']).meta({
      description:
        '`softmax`: the probabilities of all candidates add up to 1. `sigmoid`: each candidate has a probability of its own.',
    }),
    logitScale: z.number(),
    logitBias: z.number().nullable().meta({ description: 'The bias of the sigmoid; null for a softmax.' }),
    receipt,
    timings,
  })
  .meta({ id: 'RankResponse' });
export type RankResponse = z.output<typeof rankResponse>;
