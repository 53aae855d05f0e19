import { z } from 'zod';
import { imageSource, longText, pairFields, receipt } from './item.ts';

/** The maximum number of texts in a single request. */
export const maxTexts = 1_000;

const text = z.string();

export const singleRequest = z
  .strictObject({
    image: imageSource,
    text: z.union([text, z.array(text).min(1).max(maxTexts)], {
      error: `expected a string, or a list of 1 to ${maxTexts} strings`,
    }),
    model: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({ description: 'A profile or a model name.', example: 'compact' }),
    longText,
  })
  .meta({ id: 'SingleRequest' });
export type SingleRequest = z.output<typeof singleRequest>;

export const timings = z
  .object({
    fetchMs: z.number().meta({ description: 'Time to read the bytes of the image from its address, file or base64.' }),
    decodeMs: z.number(),
    inferenceMs: z
      .number()
      .meta({ description: 'Time in the vision and the text model; 0 if both embeddings were cached.' }),
    totalMs: z.number(),
  })
  .meta({ id: 'Timings' });
export type Timings = z.output<typeof timings>;

const oneText = z.object({ ...pairFields, receipt, timings }).meta({ id: 'SingleScore' });
const manyTexts = z
  .object({
    results: z.array(z.object({ text: z.string(), ...pairFields })).meta({ description: 'In the order of the texts.' }),
    receipt,
    timings,
  })
  .meta({ id: 'SingleScores' });

/** One score for one text, or a list of scores for a list of texts. */
export const singleResponse = z.union([oneText, manyTexts]).meta({ id: 'SingleResponse' });
export type SingleResponse = z.output<typeof singleResponse>;
