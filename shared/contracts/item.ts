import { z } from 'zod';
import { clientCodes, codeNames, maxItemMessage } from '../errors.ts';
import { notImageSource } from '../validation-words.ts';

/** The maximum length of a text in UTF-16 units. Models read less; the limit bounds the cleaning time. */
export const maxTextLength = 20_000;

/** The maximum length of an image address in UTF-16 units. Most servers and browsers do not support longer ones. */
export const maxAddressLength = 8 * 1024;

const addressed = z.string().min(1).max(maxAddressLength);
/** Matches an image address. Base64 and data URIs, which contain the image, may be longer. */
const isAddress = /^\s*(?!data:)[a-z][a-z0-9+.-]{1,30}:/i;

/** An image source. A plain string is a URL, a data URI or base64, depending on its beginning. */
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
          .meta({ description: 'The path of the image file. CSV results have this path in place of the bytes.' }),
      }),
      z.strictObject({ file: addressed }),
    ],
    { error: notImageSource },
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
    'For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`.',
});
export type LongText = z.output<typeof longText>;

/** The maximum length of an item's id in UTF-16 units. */
export const maxIdLength = 256;

export const batchItem = z.strictObject({
  image: imageSource,
  text: z.string(),
  id: z.string().max(maxIdLength).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
export type BatchItem = z.output<typeof batchItem>;

/** An item as clients may send it: ids may be numbers, and absent values null, as pandas writes them. */
export const postedItem = batchItem
  .extend({
    id: z
      .union([z.string().max(maxIdLength), z.number()])
      .nullish()
      .meta({ description: 'Returned with the result, as a string.' }),
    // Named, so that code generators create one class for both forms, with and without null.
    metadata: z.record(z.string(), z.unknown()).meta({ id: 'BatchItemMetadata' }).nullish().meta({
      description:
        'Arbitrary data that is returned with the result. Numbers keep their digits. An escaped lone surrogate becomes U+FFFD.',
    }),
  })
  .meta({ id: 'BatchItem' });

const clientCode = z.enum(clientCodes, {
  error: ({ input }) =>
    input === undefined
      ? undefined
      : 'is not an error code of an image, a text or an item, such as image.file.not_found',
});

/** An item that the client could not read. It fails with this error, and its result shows the other fields. */
export const unreadableItem = z
  .strictObject({
    clientError: z.strictObject({ code: clientCode, message: z.string().min(1).max(maxItemMessage) }).meta({
      id: 'ClientError',
      description: 'Why the client could not read the item. The item fails with this error.',
    }),
    image: z.unknown().optional().meta({ description: 'The result shows an address or a path.' }),
    text: z.string().nullish(),
    id: postedItem.shape.id,
    metadata: postedItem.shape.metadata,
  })
  .meta({ id: 'UnreadableItem', description: 'An item that the client could not read. It is not evaluated.' });

export const itemErrorSchema = z
  .object({
    code: z.enum(codeNames),
    message: z.string(),
    retryable: z.boolean().meta({ description: 'True if a retry of the same item may succeed.' }),
  })
  .meta({ id: 'ItemError' });

/** Named, because code generators give unnamed schemas in different parents the same name and then drop them. */
const echoedMetadata = z
  .record(z.string(), z.unknown())
  .meta({ id: 'ItemMetadata', description: 'The metadata that was posted with the item.' });

/** Absent in place of false, so that results without stored images are no longer. */
export const imageStored = z.literal(true).optional().meta({
  description:
    'True if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise.',
});

const echoed = {
  index: z.int().min(0).meta({ description: 'Position in the posted batch, from 0.' }),
  id: z.string().optional(),
  metadata: echoedMetadata.optional(),
  retryOfIndex: z.int().min(0).optional().meta({ description: 'In a retry: the index in the batch of `retryOf`.' }),
  text: z.string().optional().meta({ description: 'With `items=true`: the text of the item.' }),
  image: z.string().nullable().optional().meta({
    description: 'With `items=true`: the HTTP address of the image; null for any other source.',
  }),
  imagePath: z.string().optional().meta({
    description: 'With `items=true`: the path of the image file, if the image was posted with a path.',
  }),
  imageStored: imageStored.meta({
    description:
      'With `items=true`: true if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise.',
  }),
  imageFile: z.literal(true).optional().meta({
    description:
      'With `items=true`: true if the image is a file that the service reads itself (`{"file": …}`). Absent otherwise.',
  }),
  otherScore: z.number().min(0).max(100).optional().meta({
    description: 'JSON pages with `other`: the score of the item in the other batch.',
  }),
  otherText: z.string().optional().meta({
    description: 'JSON pages with `other` and `items=true`: the text of the item in the other batch, if it differs.',
  }),
  groupSize: z.int().min(1).optional().meta({
    description:
      'With `distinct`: the number of items in the group, including this item, that meet all conditions of the query except `q`.',
  }),
};

export const scoreFields = {
  score: z.number().min(0).max(100).meta({ description: '100 * max(cosine, 0)', example: 27.31 }),
  cosine: z.number().min(-1).max(1).meta({ example: 0.2731 }),
};

export const pairFields = {
  ...scoreFields,
  probability: z.number().min(0).max(1).optional().meta({
    description:
      'The probability that the text describes the image: the sigmoid of logit scale * cosine + logit bias. Only models of the SigLIP families have it.',
  }),
};

const byModel = z
  .string()
  .optional()
  .meta({ description: 'The model that computed the score, if several models share the batch.' });

export const itemResult = z
  .discriminatedUnion('status', [
    z
      .object({
        ...echoed,
        status: z.literal('succeeded'),
        ...pairFields,
        warnings: z.array(z.string()).optional(),
        model: byModel,
      })
      .meta({ id: 'SucceededItem' }),
    z
      .object({ ...echoed, status: z.literal('failed'), error: itemErrorSchema, model: byModel })
      .meta({ id: 'FailedItem' }),
    z.object({ ...echoed, status: z.literal('cancelled') }).meta({ id: 'CancelledItem' }),
    z
      .object({
        ...echoed,
        status: z.literal('answered'),
        response: z
          .record(z.string(), z.unknown())
          .meta({ id: 'LineResponse', description: 'The response of the endpoint to this line.' }),
      })
      .meta({
        id: 'AnsweredItem',
        description: 'The result of a line of an OpenAI batch, for which the endpoint returned a response.',
      }),
  ])
  .meta({ id: 'ItemResult' });
export type ItemResult = z.output<typeof itemResult>;

/** The model, its revision, and the versions of the processing that produced a score. */
export const receipt = z
  .object({
    model: z.string(),
    revision: z.string(),
    precision: z.string().meta({
      description:
        'The precision of the vision and the text model. If they differ, the precision of the vision model comes first: `fp16+fp32` means fp16 for images and fp32 for texts.',
    }),
    provider: z.string().meta({ description: 'ONNX Runtime execution provider.' }),
    preprocess: z.string().meta({ description: 'Version of the image preprocessing.' }),
    textCleaning: z.string().meta({ description: 'Version of the text preprocessing.' }),
    warnings: z.array(z.string()),
    traceId: z.string().optional().meta({ description: 'The id of the trace of the request, if it is traced.' }),
  })
  .meta({ id: 'Receipt' });
export type Receipt = z.output<typeof receipt>;
