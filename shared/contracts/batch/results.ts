import { z } from 'zod';
import { codeNames } from '../../errors.ts';
import { formats, labelsInWords } from '../../formats.ts';
import { readTop, type Top } from '../../top.ts';
import { itemResult } from '../item.ts';

const written = formats.filter(({ isWritten }) => isWritten);
const separated = labelsInWords(written.filter(({ hasColumns, isText }) => hasColumns && isText));

const outcome = z.enum(['succeeded', 'failed', 'cancelled', 'answered']);

export const resultsPageSize = 1_000;

/** A score limit, parsed with a pattern because `z.coerce.number` would convert an empty value to 0. */
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

/** The maximum number of items of a random sample. */
export const maxSample = 10_000;

/** Items count as equal with the same image, or with the same image and text. */
export const sameBys = ['image', 'pair'] as const;
export type SameBy = (typeof sameBys)[number];

const itemIndex = z
  .string()
  .regex(/^\d{1,10}$/, { error: 'the index of an item is expected' })
  .transform(Number)
  .optional();

/** The orders of results. Items without a score come last. Equal scores are in index order. */
export const resultOrders = ['score', '-score', 'cosine', '-cosine', 'index'] as const;
export type ResultOrder = (typeof resultOrders)[number];

/**
 * The query for results. One schema covers all formats, because generated clients do not know which parameter belongs
 * to which. It states no defaults, because some clients send every documented default.
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
      description: `Maximum number of results in a JSON page. Default: ${resultsPageSize}. With \`sort\`, \`top\`, \`other\`, \`distinct\` or \`sample\`, it also applies to ${labelsInWords(written, 'or')}, which otherwise contain the whole batch.`,
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
      'The id of another batch of the same items, for example scored by another model. Selects the items with a score in both batches, unless `otherScored` is `false`. Items are matched by their index. Without `sort`, they are in index order.',
  }),
  otherMinScore: scoreLimit.meta({
    description: 'With `other`: only items that have this score or a higher one in the other batch.',
  }),
  otherMaxScore: scoreLimit.meta({
    description: 'With `other`: only items that have this score or a lower one in the other batch.',
  }),
  otherScored: z.enum(['true', 'false']).optional().meta({
    description:
      'With `other`: `false` selects the items with a score in this batch and none in the other, in place of those with a score in both. It cannot be combined with conditions on the score in the other batch.',
  }),
  minDifference: scoreLimit.meta({
    description: 'With `other`: only items whose two scores differ by this number of points or more.',
  }),
  distinct: z.enum(sameBys).optional().meta({
    description:
      'Only one item of each group of items with the same `image`, or with the same image and text (`pair`): the first one in the order of the query that meets all other conditions. Two images are the same if their bytes are equal, even at different addresses. Items without a score are not grouped. Without `sort`, in the order of the items.',
  }),
  sameImageAs: itemIndex.meta({
    description: 'Only the item with this index and the items with the same image.',
  }),
  samePairAs: itemIndex.meta({
    description: 'Only the item with this index and the items with the same image and text.',
  }),
  sample: z.coerce.number().int().min(1).max(maxSample).optional().meta({
    description:
      'Only this number of items, drawn at random from the items with a score that meet all conditions except `q`. Without `sort`, in the order of the items.',
  }),
  seed: z.coerce.number().int().min(0).max(0xffffffff).optional().meta({
    description:
      'With `sample`: another seed draws other items. The same seed draws the same items on each page. Default: 0.',
  }),
  skip: z.coerce.number().int().min(0).optional().meta({
    description:
      'JSON pages with `sort`, `top`, `other`, `distinct` or `sample`: skips this many results, so that a client can read the middle of a long list directly. Not allowed with `q` or for cancelled items. `cursor` takes precedence.',
  }),
  formulas: z
    .enum(['escape', 'keep'])
    .optional()
    .meta({
      description: `${separated}: \`escape\`, which is the default, puts an apostrophe before text that a spreadsheet would interpret as a formula; \`keep\` does not. The other formats never change a value.`,
    }),
});
export type ResultsQuery = z.output<typeof resultsQuery>;

/** Conditions on results, all of which must be met. */
export type Selection = Partial<Pick<ResultsQuery, 'status' | 'minScore' | 'maxScore' | 'code' | 'q'>>;

/** Conditions on the scores of the same items in another batch, whose id is `other`. */
export type Rule = Partial<
  Pick<ResultsQuery, 'other' | 'otherMinScore' | 'otherMaxScore' | 'otherScored' | 'minDifference'>
>;

/** Conditions on items with the same image, or with the same image and text. */
export type Duplicates = Partial<Pick<ResultsQuery, 'distinct' | 'sameImageAs' | 'samePairAs'>>;

/** A random sample of the items that meet all other conditions. */
export type Sampling = Partial<Pick<ResultsQuery, 'sample' | 'seed'>>;

/**
 * A selection of results, optionally sorted, limited to the best, compared with another batch, limited to distinct or
 * equal items, or to a random sample.
 */
export type OrderedSelection = Selection & Partial<Pick<ResultsQuery, 'sort' | 'top'>> & Rule & Duplicates & Sampling;

/** A query for the results of a whole batch in one format. */
export interface StreamQuery extends OrderedSelection {
  formulas: 'escape' | 'keep';
  /** Adds each item's text and image address, in formats without columns. */
  withItems?: boolean;
  /** The maximum number of results, for ordered results only. */
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
    ties: z.int().min(0).meta({ description: 'The number of selected items whose score equals `lastScore`.' }),
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
        'With `sort`, `top`, `other`, `distinct` or `sample`: the number of results that meet all conditions except `q`.',
    }),
    top: topSelected.optional(),
    next: z.string().nullable().meta({
      description:
        'Cursor of the next page; null at the end. In the order of evaluation it is never null while the batch runs, because it then leads to later results.',
    }),
  })
  .meta({ id: 'ResultsPage' });
export type ResultsPage = z.output<typeof resultsPage>;
