import { z } from 'zod';
import { codeNames } from '../errors.ts';
import { endingsInWords, formats, labelsInWords } from '../formats.ts';
import { readTop, type Top } from '../top.ts';
import { embeddingPrecision, embeddingsStatus, imagesFrom, kept } from './batch-embeddings.ts';
import { itemResult, longText, postedItem } from './item.ts';
import { requestBatch } from './requests.ts';
import { arm } from './traffic.ts';

const read = formats.filter(({ isRead }) => isRead);
const written = formats.filter(({ isWritten }) => isWritten);
const tables = labelsInWords(read.filter(({ hasColumns }) => hasColumns));
const lists = labelsInWords(read.filter(({ hasColumns }) => !hasColumns));
const texts = labelsInWords(read.filter(({ isText }) => isText));
const separated = labelsInWords(read.filter(({ hasColumns, isText }) => hasColumns && isText));
const readEndings = `${endingsInWords(read)}, each but \`.parquet\` also with \`.gz\``;

/**
 * The maximum number of items in a JSON body. The limit for the size of a body is reached earlier, unless all items are
 * short URLs.
 */
export const maxJsonItems = 1_000_000;

const model = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .meta({ description: 'A profile or a model name.', example: 'compact' });

const priority = z.int().min(-100).max(100).default(0).meta({
  description:
    'Order among the batches of one tenant: a higher priority is dispatched first. Other tenants are not affected.',
});

/** The default number of items that must have an outcome before the failure budget of a batch is applied. */
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

/**
 * The maximum length of a webhook address, or of an address in a bucket, in UTF-16 units. Such addresses are stored
 * with the batch.
 */
const maxStoredAddress = 2_048;
const webhookUrl = z.url({ protocol: /^https?$/ }).max(maxStoredAddress);

export const webhook = z.strictObject({ url: webhookUrl }).meta({
  id: 'Webhook',
  description:
    'The address that the service calls when the batch has ended. The request is signed as specified by Standard Webhooks.',
});

/** The maximum length of the name of a batch, followed by the maximum length and the maximum number of its tags. */
export const maxNameLength = 200;
const maxTagLength = 64;
const maxTags = 16;

const name = z.string().trim().min(1).max(maxNameLength);
const tag = z
  .string()
  .trim()
  .min(1)
  .max(maxTagLength)
  .regex(/^[^,]*$/, { error: 'a tag must not contain a comma' });
const tags = z.array(tag).max(maxTags);

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
const delimiter = z.string().min(1).max(4);
/** Names of columns in a query parameter, encoded as a JSON list. */
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

/** The formats of the additional result tables that a batch by reference may write. */
export const tableFormat = z.enum(['csv', 'parquet']);

/**
 * Selects the samples (items with their files) that a batch by reference copies to a new file in the format of its
 * input.
 */
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
 * The fields that make a batch one by reference: its items are read from an object in a bucket, and its results are
 * written into a folder of a bucket.
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
 * The JSON object of a posted batch, for its validation as a whole. The items are validated later and one by one,
 * because an invalid item must not fail the others.
 */
export const batchEnvelope = z.strictObject({ items: z.array(z.unknown()).max(maxJsonItems), ...options });

/** The JSON object of a posted batch by reference. */
export const referenceEnvelope = z.strictObject({ ...reference, ...options });

/** The JSON object of a posted batch of either kind, as documented for clients. */
export const batchRequest = z
  .union([
    z.strictObject({ items: z.array(postedItem).min(1), ...options }).meta({ id: 'BatchOfItems' }),
    referenceEnvelope.meta({
      id: 'BatchByReference',
      examples: [{ input: 's3://bucket/team/pairs.ndjson', output: 's3://bucket/team/scores/' }],
    }),
  ])
  .meta({ id: 'BatchRequest' });

/**
 * The options of a batch as query parameters. When a batch is posted in a streamed format such as CSV, all its options
 * are query parameters. When it is posted as a JSON object, its options are in the object, except `strict`.
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
      description: `${lists}: the columns of the original table, as a JSON list; \`image\`, \`text\` and \`id\` name the columns that were read. Tables of results have these columns.`,
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

export const batchStates = [
  'accepting',
  'queued',
  'running',
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
] as const;
export const batchState = z.enum(batchStates).meta({ id: 'BatchState' });
export type BatchState = z.output<typeof batchState>;

/** The final states of a batch. */
export const terminalStates: ReadonlySet<BatchState> = new Set([
  'completed',
  'completed_with_errors',
  'failed',
  'cancelled',
]);

/**
 * The reason why a batch ended as `failed`. `all_failed`: no item succeeded. `failure_budget`: more items failed than
 * the failure budget allows. `input`: the input object could not be read. `input_lost`: the stored items were lost.
 * `model_unavailable`: the model could not be loaded.
 */
export const failureReason = z.enum(['all_failed', 'failure_budget', 'input', 'input_lost', 'model_unavailable']);
export type FailureReason = z.output<typeof failureReason>;

const count = z.int().min(0);

const rescoredTexts = z.enum(['own', 'others']).meta({ id: 'RescoredTexts' });

export const batchStatus = z
  .object({
    id: z.string(),
    tenant: z.string().meta({ description: 'The tenant of the batch; `default` if no keys are required.' }),
    name: z.string().nullable(),
    tags: z.array(z.string()),
    state: batchState,
    phase: z.enum(['waiting', 'evaluating', 'stopping', 'finished']).meta({
      description:
        '`evaluating`: a worker is evaluating items of the batch. After a crash of the worker, the phase remains `evaluating` for up to 20 s. `stopping`: the batch was cancelled or too many items failed; it ends when the workers have finished its items in flight, within 45 s.',
    }),
    model: z.string(),
    revision: z.string(),
    precision: z.string(),
    preprocess: z.string(),
    textCleaning: z.string().nullable(),
    longText: longText.unwrap(),
    pairProbabilities: z.boolean().meta({
      description:
        'True if each result has the probability that its text describes its image. Only models of the SigLIP families have it.',
    }),
    traffic: z
      .array(arm.pick({ role: true, model: true, revision: true, share: true }))
      .nullable()
      .meta({
        description:
          'The models that share the items of the batch, as configured when it was posted; null for a single model.',
      }),
    priority: z.int(),
    items: z.object({ total: count, succeeded: count, failed: count, cancelled: count, pending: count }),
    failures: z.partialRecord(z.enum(codeNames), count).meta({ description: 'Failed items by code.' }),
    itemsPerSecond: z
      .number()
      .nullable()
      .meta({ description: 'The recent rate while the batch runs; afterwards the mean rate.' }),
    etaSeconds: z.number().nullable(),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable().meta({ description: 'The time at which items and results are deleted.' }),
    reason: failureReason.nullable().meta({ description: 'The reason of a `failed` batch.' }),
    waitingFor: z.string().nullable().meta({
      description:
        'The reason why workers cannot evaluate the batch now, for example that its model cannot be loaded. After 15 minutes without an outcome the batch fails with the reason `model_unavailable`.',
    }),
    failureBudget: z
      .object({ count: count.nullable(), share: z.number().nullable(), after: count })
      .nullable()
      .meta({ description: 'The failure budget that was posted with the batch; null for no limit.' }),
    input: z.string().nullable().meta({ description: 'The input object of a batch by reference.' }),
    inputError: z
      .object({ code: z.enum(codeNames), message: z.string() })
      .nullable()
      .meta({ description: 'The error of the input object if the reason is `input`.' }),
    files: z
      .object({
        state: z.enum(['pending', 'written', 'failed']),
        results: z.string(),
        csv: z
          .string()
          .nullable()
          .meta({ description: 'The results as CSV, if the input was CSV or `tables` names it.' }),
        parquet: z
          .string()
          .nullable()
          .meta({ description: 'The results as Parquet, if the input was Parquet or `tables` names it.' }),
        kept: z.string().nullable().meta({
          description:
            'The samples that `keep` selects, as a tar or as Parquet; null without `keep`, and when the input could not be read.',
        }),
        keptIds: z.string().nullable().meta({ description: 'The ids of the samples in `kept`, one per line.' }),
        failures: z.string().meta({ description: 'The failed items, which can be posted again unchanged.' }),
        status: z
          .string()
          .meta({ description: 'The status of the batch as a file, which is written after the other files.' }),
        error: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'The result files of a batch by reference, written when it has ended.' }),
    embeddings: embeddingsStatus
      .nullable()
      .meta({ description: 'The stored embeddings of the batch, if it keeps any.' }),
    imagesFrom: z.string().nullable().meta({
      description: 'The batch whose stored image embeddings this batch compares with its texts.',
    }),
    retryOf: z.string().nullable().meta({ description: 'The batch whose failed items this batch retries.' }),
    retriedBy: z
      .string()
      .nullable()
      .meta({ description: 'The latest batch that retries the failed items of this batch.' }),
    rescoreOf: z.string().nullable().meta({
      description:
        'The batch whose items this batch scores again. Without `sample`, an item has the same index in both batches.',
    }),
    texts: rescoredTexts.meta({
      description: '`others`: each image was scored with the text of another item of the batch `rescoreOf`.',
    }),
    wrongPairs: z.string().nullable().meta({
      description: 'The latest batch that scores each image of this batch with the text of another item.',
    }),
    traceId: z.string().nullable().meta({ description: 'The id of the trace of this batch, if it is traced.' }),
    requests: requestBatch
      .nullable()
      .meta({ description: "Facts about a batch that was posted through OpenAI's interface. Its items are requests." }),
    webhook: z
      .object({
        url: z.string(),
        state: z.enum(['pending', 'delivered', 'failed']),
        attempts: count,
        error: z.string().nullable(),
      })
      .nullable(),
    links: z.object({
      self: z.string(),
      results: z.string(),
      summary: z.string(),
      events: z.string(),
      cancel: z.string(),
      retry: z.string(),
    }),
  })
  .meta({ id: 'BatchStatus' });
export type BatchStatus = z.output<typeof batchStatus>;

/** The maximum retention of a batch, in hours. */
const maxRetentionHours = 8_760;

export const batchChange = z
  .strictObject({
    name: name.nullable().optional().meta({ description: 'null removes the name.' }),
    tags: tags.optional(),
    retentionHours: z.number().min(0.1).max(maxRetentionHours).optional().meta({
      description:
        'The time in hours from the end of the batch to its deletion. If this time has already passed, the batch is deleted soon.',
    }),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    error: 'expected `name`, `tags` or `retentionHours`',
  })
  .meta({ id: 'BatchChange', description: 'Fields that are left out do not change.' });
export type BatchChange = z.output<typeof batchChange>;

/** The outcomes of items that a retry can evaluate again. */
const retriedStatus = z.enum(['failed', 'cancelled']);
export type RetriedStatus = z.output<typeof retriedStatus>;

export const retryQuery = z.strictObject({
  status: z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(retriedStatus))
    .optional()
    .meta({
      description:
        'The items to evaluate: `failed`, which is the default, `cancelled`, or `failed,cancelled`. With `cancelled`, a cancelled batch is continued.',
    }),
  retryable: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true`: of the failed items, only those that may succeed when they are retried.' }),
});

export const rescoreQuery = z.strictObject({
  model: model.meta({ description: 'A profile or a model name. Default: the model of the batch.' }),
  texts: rescoredTexts.optional().meta({
    description:
      '`own`, the default: each image is scored with its own text, for example by another model. `others`: each image is scored with the text of another item, which shows the scores that wrong pairs get.',
  }),
  sample: z.coerce.number().int().min(1).optional().meta({
    description:
      'The approximate number of items to score, spread evenly over the batch. Default: all items, each with the index that it has in the original batch.',
  }),
  name: name.optional().meta({ description: 'A display name. Default: the name of the original batch.' }),
});
export type RescoreQuery = z.output<typeof rescoreQuery>;

export const batchPath = z.object({ id: z.string().meta({ description: 'Id of the batch.' }) });

const outcome = z.enum(['succeeded', 'failed', 'cancelled', 'answered']);

/** The default length of a page of results. */
export const resultsPageSize = 1_000;

/**
 * A limit for scores. It is parsed from text with a pattern, because `z.coerce.number` would convert an empty value to
 * 0.
 */
const scoreLimit = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, { error: 'a number is expected' })
  .transform(Number)
  .optional();

const top = z
  .string()
  .transform((text, context): Top => {
    const read = readTop(text);
    if (read !== undefined) return read;
    context.addIssue({ code: 'custom', message: 'expected a share such as 0.3 or 30%, or a whole number of items' });
    return z.NEVER;
  })
  .optional();

/** The ways in which items can count as equal: they have the same image, or the same image and the same text. */
export const sameBys = ['image', 'pair'] as const;
export type SameBy = (typeof sameBys)[number];

const itemIndex = z
  .string()
  .regex(/^\d{1,10}$/, { error: 'the index of an item is expected' })
  .transform(Number)
  .optional();

/**
 * The orders in which results can be returned. Items without a score follow items with a score. Items with the same
 * score are in index order.
 */
export const resultOrders = ['score', '-score', 'cosine', '-cosine', 'index'] as const;
export type ResultOrder = (typeof resultOrders)[number];

/**
 * The query parameters for reading results. A single schema has the parameters of all formats, because generated
 * clients do not know which parameter belongs to which format. It states no defaults, because some clients send every
 * documented default.
 */
export const resultsQuery = z.strictObject({
  cursor: z.string().optional().meta({ description: '`next` of the previous page of JSON. Default: the first page.' }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({
      description: `Maximum number of results in a JSON page. Default: ${resultsPageSize}. With \`sort\`, \`top\`, \`other\` or \`distinct\`, it also applies to ${labelsInWords(written, 'or')}, which otherwise contain the whole batch.`,
    }),
  status: outcome.optional().meta({ description: 'Only items with this outcome.' }),
  minScore: scoreLimit.meta({ description: 'Only items with this score or a higher one.' }),
  maxScore: scoreLimit.meta({ description: 'Only items with this score or a lower one.' }),
  code: z.enum(codeNames).optional().meta({ description: 'Only items that failed with this code.' }),
  q: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Only items whose id or text contains this value; upper and lower case count as the same.' }),
  items: z.enum(['true', 'false']).optional().meta({
    description:
      'JSON and NDJSON: with `true`, each result also has the text of its item and the address of its image. The other formats always have both.',
  }),
  sort: z.enum(resultOrders).optional().meta({
    description:
      '`score`: the lowest first. `-score`: the highest first. `cosine` and `-cosine`: the same by cosine. This also orders the items of score 0: every negative cosine has the score 0. `index`: the order of the items. Items with the same score are in index order, items without a score come last. Default: the order of the items; a JSON page without `top` has the order of evaluation.',
  }),
  top: top.meta({
    description:
      'Only the items with the highest scores: a share of all items with a score (`0.3` or `30%`), or a number of items (`100000`). Items tied with the last selected item are also included, so there can be more items than asked for; the response states how many items were selected.',
  }),
  other: z.string().max(64).optional().meta({
    description:
      'The id of another batch of the same items, for example scored by another model. Selects the items with a score in both batches. Items are matched by their index. Without `sort`, they are in index order.',
  }),
  otherMinScore: scoreLimit.meta({
    description: 'With `other`: only items that have this score or a higher one in the other batch.',
  }),
  otherMaxScore: scoreLimit.meta({
    description: 'With `other`: only items that have this score or a lower one in the other batch.',
  }),
  minDifference: scoreLimit.meta({
    description: 'With `other`: only items whose two scores differ by this number of points or more.',
  }),
  distinct: z.enum(sameBys).optional().meta({
    description:
      'Only one item of each group of items with the same `image`, or with the same image and text (`pair`): the first one in the order of the query that meets all other conditions. Two images are the same if their bytes are equal, even at different addresses. Items without a score are not grouped. Without `sort`, in the order of the items.',
  }),
  sameImageAs: itemIndex.meta({
    description: 'Only items with the same image as the item that has this index, including that item.',
  }),
  samePairAs: itemIndex.meta({
    description: 'Only items with the same image and text as the item that has this index, including that item.',
  }),
  skip: z.coerce.number().int().min(0).optional().meta({
    description:
      'JSON pages with `sort`, `top`, `other` or `distinct`: skips this many results, so that a client can read the middle of a long list directly. Not allowed with `q` or for cancelled items. `cursor` takes precedence.',
  }),
  formulas: z
    .enum(['escape', 'keep'])
    .optional()
    .meta({
      description: `${separated}: \`escape\`, which is the default, puts an apostrophe before text that a spreadsheet would interpret as a formula; \`keep\` does not. The other formats never change a value.`,
    }),
});
export type ResultsQuery = z.output<typeof resultsQuery>;

/** The conditions that select results. A result must meet all given conditions. */
export type Selection = Partial<Pick<ResultsQuery, 'status' | 'minScore' | 'maxScore' | 'code' | 'q'>>;

/** Conditions on the scores that another batch has for the same items. `other` is the id of that batch. */
export type Rule = Partial<Pick<ResultsQuery, 'other' | 'otherMinScore' | 'otherMaxScore' | 'minDifference'>>;

/** Conditions on items with the same image, or with the same image and text. */
export type Duplicates = Partial<Pick<ResultsQuery, 'distinct' | 'sameImageAs' | 'samePairAs'>>;

/**
 * A selection of results that may also be sorted, limited to the best items, limited by conditions on the scores in
 * another batch, or limited to distinct or equal items.
 */
export type OrderedSelection = Selection & Partial<Pick<ResultsQuery, 'sort' | 'top'>> & Rule & Duplicates;

/** A query for the results of a whole batch in one format. */
export interface StreamQuery extends OrderedSelection {
  formulas: 'escape' | 'keep';
  /** True to add the text of each item and the address of its image, in formats without columns. */
  withItems?: boolean;
  /** The maximum number of results. Used only when the selected results are in an order. */
  limit?: number | undefined;
  cursor?: string | undefined;
}

export const topSelected = z
  .object({
    requested: z.int().min(0).meta({ description: 'The number of items that `top` asked for.' }),
    items: z
      .int()
      .min(0)
      .meta({ description: 'The number of selected items, including all items tied with the last selected item.' }),
    lastScore: z
      .number()
      .nullable()
      .meta({ description: 'The lowest score of the selected items; null when no item is selected.' }),
    ties: z.int().min(0).meta({ description: 'The number of items that have the lowest selected score.' }),
  })
  .meta({ id: 'TopSelected', description: 'The items that `top` selects in the whole batch.' });
export type TopSelected = z.output<typeof topSelected>;

export const resultsPage = z
  .object({
    results: z
      .array(itemResult)
      .meta({ description: 'In the order of `sort`; without it, in the order in which they were evaluated.' }),
    selected: z.int().min(0).optional().meta({
      description:
        'With `sort`, `top`, `other` or `distinct`: the number of results that meet all conditions except `q`.',
    }),
    top: topSelected.optional(),
    next: z.string().nullable().meta({
      description:
        'Cursor of the next page; null at the end. In the order of evaluation it is never null while the batch runs, because it then leads to later results.',
    }),
  })
  .meta({ id: 'ResultsPage' });
export type ResultsPage = z.output<typeof resultsPage>;

/** The response to `Prefer: wait=N` if the batch has ended in time. */
export const batchWithResults = batchStatus
  .extend({ results: z.array(itemResult).meta({ description: 'In the order of the items.' }) })
  .meta({ id: 'BatchWithResults' });
export type BatchWithResults = z.output<typeof batchWithResults>;

export const listQuery = z.strictObject({
  state: z
    .string()
    .transform((states) => states.split(','))
    .pipe(z.array(batchState))
    .optional()
    .meta({ description: 'Only batches in one of these states, separated by commas.' }),
  tenant: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'For operators: batches of this tenant; `*` for all tenants.' }),
  q: z.string().min(1).max(maxNameLength).optional().meta({
    description: 'Only batches whose name, id or tag contains this value; upper and lower case count as the same.',
  }),
  tag: tag.optional().meta({ description: 'Only batches with this tag.' }),
  scores: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true`, each batch also has the mean and a coarse histogram of its scores.' }),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListQuery = z.output<typeof listQuery>;

/** The bins of {@link scoreOutline}: the width of a bin in points, and the number of bins. */
export const outlineBin = { width: 2, count: 50 } as const;

export const scoreOutline = z
  .object({
    mean: z.number(),
    histogram: z.array(count).meta({
      description: `The number of succeeded items in each of ${outlineBin.count} bins of the score. A bin is ${outlineBin.width} points wide; the first one begins at 0.`,
    }),
  })
  .meta({ id: 'ScoreOutline' });
export type ScoreOutline = z.output<typeof scoreOutline>;

export const listedBatch = batchStatus
  .extend({
    scores: scoreOutline.nullable().optional().meta({
      description: 'With `scores=true`: the scores of the batch, also while it runs; null without succeeded items.',
    }),
  })
  .meta({ id: 'ListedBatch' });
export type ListedBatch = z.output<typeof listedBatch>;

export const batchList = z
  .object({ batches: z.array(listedBatch).meta({ description: 'The latest first.' }), next: z.string().nullable() })
  .meta({ id: 'BatchList' });
export type BatchList = z.output<typeof batchList>;

const extreme = z.object({
  index: count,
  id: z.string().optional(),
  cosine: z.number(),
  score: z.number(),
  text: z.string().meta({ description: 'The first 300 characters of the text.' }),
  image: z.string().nullable().meta({ description: 'The address of the image; null for an inline image.' }),
});
export type Extreme = z.output<typeof extreme>;

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
    percentiles: z.array(z.object({ percent: z.int(), cosine: z.number(), score: z.number() })).meta({
      description:
        'Percentiles: `percent` % of the succeeded items have at most this cosine and score; empty without succeeded items.',
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
