import { z } from 'zod';
import { codeNames } from '../errors.ts';

/** Longest text accepted, in UTF-16 units. Far above any context length; it only bounds the work of cleaning. */
export const maxTextLength = 20_000;

/** Longest address of an image, in UTF-16 units: what servers take, and more than browsers send. */
export const maxAddressLength = 8 * 1024;

const addressed = z.string().min(1).max(maxAddressLength);
/** Base64 and data URIs are as long as their image. */
const isAddress = /^\s*(?!data:)[a-z][a-z0-9+.-]{1,30}:/i;

/** Where an image comes from. A bare string is a URL, a data URI or base64, told apart by how it begins. */
export const imageSource = z
  .union(
    [
      z
        .string()
        .min(1)
        .refine((source) => source.length <= maxAddressLength || !isAddress.test(source), {
          error: `an address has at most ${maxAddressLength} characters`,
        }),
      z.strictObject({ url: addressed }),
      z.strictObject({
        base64: z.string().min(1),
        path: z
          .string()
          .max(maxAddressLength)
          .optional()
          .meta({ description: 'Where the bytes were read from; stands in CSV in their place.' }),
      }),
      z.strictObject({ file: addressed }),
    ],
    { error: 'expected an http(s) URL, a data URI or base64 as a string, or an object with url, base64 or file' },
  )
  .meta({
    id: 'ImageSource',
    description:
      'A string (http(s) URL, data URI or base64) or an object that names the kind. `file` needs IMAGE_FILE_ROOTS.',
    examples: ['https://example.org/cat.jpg', { base64: '/9j/4AAQSkZJRg…' }],
  });
export type ImageSource = z.output<typeof imageSource>;

export const longText = z.enum(['truncate', 'error']).default('truncate').meta({
  description:
    'A text with more tokens than the model reads: `truncate` scores its beginning and says so in the warnings, `error` fails with `text.too_long`.',
});
export type LongText = z.output<typeof longText>;

/** Longest id of an item, in UTF-16 units. */
export const maxIdLength = 256;

/** One pair inside a batch. */
export const batchItem = z.strictObject({
  image: imageSource,
  text: z.string(),
  id: z.string().max(maxIdLength).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type BatchItem = z.output<typeof batchItem>;

/** The same as clients may send it: numbers are taken as ids, and null for what there is none of, as pandas writes it. */
export const postedItem = batchItem
  .extend({
    id: z
      .union([z.string().max(maxIdLength), z.number()])
      .nullish()
      .meta({ description: 'Echoed back with the result, as a string.' }),
    // Named, so that generators have one class for it, whether or not null is allowed.
    metadata: z.record(z.string(), z.unknown()).meta({ id: 'BatchItemMetadata' }).nullish().meta({
      description:
        'Anything of your own; echoed back with the result. Numbers keep their digits. An escaped half of a surrogate pair becomes U+FFFD.',
    }),
  })
  .meta({ id: 'BatchItem' });

export const itemErrorSchema = z
  .object({
    code: z.enum(codeNames),
    message: z.string(),
    retryable: z.boolean().meta({ description: 'Whether the same item may succeed later, unchanged.' }),
  })
  .meta({ id: 'ItemError' });

/** Named, as generators give an unnamed one the same name in each schema that has it, and drop those schemas. */
const echoedMetadata = z
  .record(z.string(), z.unknown())
  .meta({ id: 'ItemMetadata', description: 'As it was posted with the item.' });

const echoed = {
  index: z.int().min(0).meta({ description: 'Position in the batch as posted, from 0.' }),
  id: z.string().optional(),
  metadata: echoedMetadata.optional(),
  retryOfIndex: z.int().min(0).optional().meta({ description: 'In a retry: its index in the batch that is retried.' }),
};

export const scoreFields = {
  score: z.number().min(0).max(100).meta({ description: '100 * max(cosine, 0)', example: 27.31 }),
  cosine: z.number().min(-1).max(1).meta({ example: 0.2731 }),
};

const byModel = z.string().optional().meta({ description: 'Which model it is of, where several share the batch.' });

/** What became of one item. */
export const itemResult = z
  .discriminatedUnion('status', [
    z
      .object({
        ...echoed,
        status: z.literal('succeeded'),
        ...scoreFields,
        warnings: z.array(z.string()).optional(),
        model: byModel,
      })
      .meta({ id: 'SucceededItem' }),
    z
      .object({ ...echoed, status: z.literal('failed'), error: itemErrorSchema, model: byModel })
      .meta({ id: 'FailedItem' }),
    z.object({ ...echoed, status: z.literal('cancelled') }).meta({ id: 'CancelledItem' }),
  ])
  .meta({ id: 'ItemResult' });
export type ItemResult = z.output<typeof itemResult>;

/** What produced a score. */
export const receipt = z
  .object({
    model: z.string(),
    revision: z.string(),
    precision: z.string(),
    provider: z.string().meta({ description: 'ONNX Runtime execution provider.' }),
    preprocess: z.string().meta({ description: 'Version of the steps from picture to tensor.' }),
    textCleaning: z.string().meta({ description: 'Version of the steps from text to tokens.' }),
    warnings: z.array(z.string()),
    traceId: z
      .string()
      .optional()
      .meta({ description: 'Where the request is found among the traces, if it was traced.' }),
  })
  .meta({ id: 'Receipt' });
export type Receipt = z.output<typeof receipt>;
