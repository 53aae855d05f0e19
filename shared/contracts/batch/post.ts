import { z } from 'zod';
import { delimiterExpected, isDelimiter, maxDelimiterLength } from '../../delimiter.ts';
import { endingsInWords, formats, labelsInWords } from '../../formats.ts';
import { readTop } from '../../top.ts';
import { longText, postedItem, unreadableItem } from '../item.ts';
import { embeddingPrecision, imagesFrom, kept } from './embeddings.ts';
import { maxTags, model, name, tags } from './fields.ts';

const read = formats.filter(({ isRead }) => isRead);
const tables = labelsInWords(read.filter(({ hasColumns }) => hasColumns));
const lists = labelsInWords(read.filter(({ hasColumns }) => !hasColumns));
const texts = labelsInWords(read.filter(({ isText }) => isText));
const separated = labelsInWords(read.filter(({ hasColumns, isText }) => hasColumns && isText));
const readEndings = `${endingsInWords(read)}, each but \`.parquet\` also with \`.gz\``;

/** The maximum number of items in a JSON body. The size limit applies earlier, unless all items are short URLs. */
export const maxJsonItems = 1_000_000;

const priority = z.int().min(-100).max(100).default(0).meta({
  description:
    'Order among the batches of one tenant: a higher priority is dispatched first. Other tenants are not affected.',
});

/** The default number of items that must have an outcome before the failure budget applies. */
export const budgetAfter = 100;

export const failureBudget = z
  .strictObject({
    count: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'The batch stops when more than this number of its items have failed.' }),
    share: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: 'The batch stops when more than this share of its items has failed.' }),
    after: z
      .int()
      .min(0)
      .default(budgetAfter)
      .meta({ description: 'The budget is checked only after this number of items have an outcome.' }),
  })
  .refine(({ count, share }) => count !== undefined || share !== undefined, {
    error: 'a failure budget needs `count` or `share`; `after` alone stops nothing',
  })
  .meta({ id: 'FailureBudget', description: 'Stops a batch with too many failures; it ends as `failed`.' });

/** The maximum length of a webhook or bucket address in UTF-16 units. Such addresses are stored with the batch. */
const maxStoredAddress = 2_048;
const webhookUrl = z.url({ protocol: /^https?$/ }).max(maxStoredAddress);

export const webhook = z.strictObject({ url: webhookUrl }).meta({
  id: 'Webhook',
  description:
    'The address that the service calls when the batch has ended. The request is signed as specified by Standard Webhooks.',
});

const options = {
  name: name.optional().meta({
    description: 'A display name. Default: the name of the uploaded file or of the object.',
  }),
  tags: tags.optional().meta({ description: 'Tags. Lists of batches can be limited to a tag.' }),
  model,
  longText: longText.unwrap().optional(),
  priority,
  failureBudget: failureBudget.optional(),
  webhook: webhook.optional(),
  embeddings: kept.optional(),
  embeddingPrecision: embeddingPrecision.optional(),
  imagesFrom: imagesFrom.optional(),
};

const column = z.string().min(1).max(256);
const delimiter = z
  .string()
  .min(1)
  .max(maxDelimiterLength)
  .refine(isDelimiter, { error: `expected ${delimiterExpected}` });
/** Column names in a query parameter, as a JSON list. */
const columnList = z
  .string()
  .max(12_000)
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'expected a JSON list of names' });
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(z.string())
      .min(1)
      .refine((names) => new Set(names).size === names.length, { error: 'two columns have the same name' }),
  );

const encoding = z
  .string()
  .min(1)
  .max(40)
  .optional()
  .meta({
    description: `The text encoding of ${texts}, as a name of the WHATWG Encoding Standard such as \`windows-1252\`. The \`charset\` of the content type may state it instead. Default: UTF-8, or UTF-16 if it is detected.`,
  });

/** Formats of additional result tables of a batch by reference. */
export const tableFormat = z.enum(['csv', 'parquet']);

/** The samples (items with their files) that a batch by reference copies to a new file in its input format. */
export const keptSamples = z
  .strictObject({
    minScore: z.number().min(0).max(100).optional().meta({ description: 'Only samples with this score or more.' }),
    top: z
      .string()
      .refine((text) => readTop(text) !== undefined, {
        error: 'expected a share such as "30%", or a number of samples',
      })
      .optional()
      .meta({
        description:
          'Only the samples with the highest scores: a share of all samples with a score, or a number of samples. Samples tied with the last selected sample are also included, so there can be more samples than asked for.',
        example: '30%',
      }),
  })
  .refine(({ minScore, top }) => minScore !== undefined || top !== undefined, { error: 'needs `minScore` or `top`' })
  .meta({ id: 'KeptSamples' });
export type KeptSamples = z.output<typeof keptSamples>;

/**
 * The fields of a batch by reference, which reads items from an object and writes results into a folder of a bucket.
 */
const reference = {
  input: z
    .string()
    .max(maxStoredAddress)
    .meta({
      description: `The address of the object that contains the items. The name of the object must end in ${readEndings}.`,
    }),
  output: z.string().max(maxStoredAddress).optional().meta({
    description: 'Folder for the files of results. Default: a folder next to the input, named by the id of the batch.',
  }),
  columns: z
    .strictObject({ image: column.optional(), text: column.optional(), id: column.optional() })
    .optional()
    .meta({ description: `${tables}: names of the columns. Default: \`image\`, \`text\` and \`id\`.` }),
  delimiter: delimiter
    .optional()
    .meta({ description: `${separated}: separator of columns. Default: a comma in CSV, a tab in TSV.` }),
  encoding,
  keep: keptSamples.optional().meta({
    description:
      'For a tar and for Parquet: the selected samples are also written in the form of the input, as `kept.tar`, `kept.tar.gz` or `kept.parquet`, and their ids as `kept.txt`. The rows of `kept.parquet` have all columns of the input, and its metadata has the receipt.',
  }),
  tables: z.array(tableFormat).max(2).optional().meta({
    description:
      'Table formats in which the results are written, in addition to `results.ndjson`. Default: the format of the input if it is a table (CSV for TSV), otherwise none.',
  }),
};

/**
 * The JSON object of a posted batch. Items are validated later and one by one, because an invalid item must not fail
 * the others.
 */
export const batchEnvelope = z.strictObject({ items: z.array(z.unknown()).max(maxJsonItems), ...options });

/** The JSON object of a batch by reference. */
export const referenceEnvelope = z.strictObject({ ...reference, ...options });

/** The JSON object of either kind of batch, as documented for clients. */
export const batchRequest = z
  .union([
    z
      .strictObject({ items: z.array(z.union([postedItem, unreadableItem])).min(1), ...options })
      .meta({ id: 'BatchOfItems' }),
    referenceEnvelope.meta({
      id: 'BatchByReference',
      examples: [{ input: 's3://bucket/team/pairs.ndjson', output: 's3://bucket/team/scores/' }],
    }),
  ])
  .meta({ id: 'BatchRequest' });

/**
 * Batch options as query parameters, for streamed formats such as CSV. A JSON object contains its options itself,
 * except `strict`.
 */
export const batchQuery = z
  .strictObject({
    strict: z
      .enum(['true', 'false'])
      .default('false')
      .meta({ description: 'With `true`, the service refuses the whole batch with 400 if one item is invalid.' }),
    model,
    longText,
    priority: z.coerce.number().pipe(priority.unwrap()).default(0),
    failureBudgetCount: z.coerce.number().int().min(0).optional(),
    failureBudgetShare: z.coerce.number().min(0).max(1).optional(),
    failureBudgetAfter: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .meta({ description: `Default: ${budgetAfter}.` }),
    webhook: webhookUrl.optional(),
    embeddings: kept.optional(),
    embeddingPrecision: embeddingPrecision.optional(),
    imagesFrom: imagesFrom.optional(),
    name: name.optional().meta({ description: 'A display name. Default: the name of the uploaded file.' }),
    tags: z
      .string()
      .transform((list) => list.split(','))
      .pipe(tags)
      .optional()
      .meta({
        description: `Tags, separated by commas; at most ${maxTags}. Lists of batches can be limited to a tag.`,
      }),
    image: column.default('image').meta({ description: `${tables}: name of the column with the image.` }),
    text: column.default('text').meta({ description: `${tables}: name of the column with the text.` }),
    id: column.default('id').meta({ description: `${tables}: name of the column with the id, if there is one.` }),
    delimiter: delimiter
      .optional()
      .meta({ description: `${separated}: separator of columns. Default: a comma in CSV, a tab in TSV.` }),
    encoding,
    columns: columnList.optional().meta({
      description: `${lists}: the names of all columns of the original table, as a JSON list. Result tables contain these columns too. The parameters \`image\`, \`text\` and \`id\` name the columns that were read.`,
    }),
  })
  .refine(
    ({ failureBudgetCount: count, failureBudgetShare: share, failureBudgetAfter: after }) =>
      after === undefined || count !== undefined || share !== undefined,
    {
      path: ['failureBudgetAfter'],
      error: 'needs `failureBudgetCount` or `failureBudgetShare`; alone it stops nothing',
    },
  );
export type BatchQuery = z.output<typeof batchQuery>;
