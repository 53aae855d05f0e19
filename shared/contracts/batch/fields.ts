import { z } from 'zod';

export const model = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .meta({ description: 'A profile or a model name.', example: 'compact' });

/** The maximum length of a batch name, then the maximum length and number of tags. */
export const maxNameLength = 200;
const maxTagLength = 64;
export const maxTags = 16;

export const name = z.string().trim().min(1).max(maxNameLength);
export const tag = z
  .string()
  .trim()
  .min(1)
  .max(maxTagLength)
  .regex(/^[^,]*$/, { error: 'a tag must not contain a comma' });
export const tags = z.array(tag).max(maxTags);

export const count = z.int().min(0);

export const rescoredTexts = z.enum(['own', 'others']).meta({ id: 'RescoredTexts' });

export const batchPath = z.object({ id: z.string().meta({ description: 'Id of the batch.' }) });

export const itemPath = batchPath.extend({
  index: z
    .string()
    .regex(/^\d{1,9}$/, { error: 'expected the index of an item, such as 17' })
    .transform(Number)
    .meta({ description: 'Index of the item, from 0.', example: 17 }),
});
