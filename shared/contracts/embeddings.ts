import { z } from 'zod';
import { imageSource, longText } from './item.ts';

/** The maximum number of inputs per request, as in OpenAI's API. */
export const maxInputs = 2_048;

const expected = `expected a string, {text}, {image}, or a list of 1 to ${maxInputs} of them; token ids are not supported`;
const input = z
  .union([z.string(), z.strictObject({ text: z.string() }), z.strictObject({ image: imageSource })], {
    error: expected,
  })
  .meta({ description: 'A string or `{text}` is embedded by the text model, `{image}` by the vision model.' });

/** The request of OpenAI's embeddings API, extended by images. */
export const embeddingsRequest = z
  .strictObject({
    input: z.union([input, z.array(input, { error: expected }).min(1, expected).max(maxInputs, expected)], {
      error: expected,
    }),
    model: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({ description: 'A profile or a model name.', example: 'compact' }),
    encoding_format: z
      .enum(['float', 'base64'])
      .default('float')
      .meta({ description: '`base64`: little-endian float32.' }),
    longText,
    dimensions: z
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Must equal the dimensions of the model: embeddings are not shortened.' }),
    user: z.string().optional().meta({ description: 'Accepted for compatibility; not used.' }),
  })
  .meta({ id: 'EmbeddingsRequest' });
export type EmbeddingsRequest = z.output<typeof embeddingsRequest>;
export type EmbeddingInput = z.output<typeof input>;

export const embeddingsResponse = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.int().min(0),
        embedding: z.union([z.array(z.number()), z.string()]).meta({ description: 'L2-normalised.' }),
      }),
    ),
    model: z.string(),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'EmbeddingsResponse' });
export type EmbeddingsResponse = z.output<typeof embeddingsResponse>;
