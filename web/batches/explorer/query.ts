import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { numberIn, type QueryChanges } from '../../shell/query.ts';
import { columnsInQuery } from './own-columns.ts';

/** `-score` is the highest score first. `order` is the order of the input, or of evaluation while the batch runs. */
export const sorts = ['order', 'score', '-score'] as const;
export type Sort = (typeof sorts)[number];

const statuses = ['succeeded', 'failed', 'cancelled'] as const;

/** The kinds of duplicates: pairs with the same image, or with the same image and text. */
const groupings = ['image', 'pair'] as const;

/** The state of the list of pairs, as the URL contains it. */
export interface ExplorerQuery {
  view: 'table' | 'gallery';
  min: number | undefined;
  max: number | undefined;
  status: (typeof statuses)[number] | undefined;
  code: string | undefined;
  search: string;
  /** The id of another batch with the same items. `otherMin` and `otherMax` limit the scores in that batch. */
  other: string | undefined;
  otherMin: number | undefined;
  otherMax: number | undefined;
  /** False to list the pairs that have no score in the other batch. */
  otherScored: boolean;
  sort: Sort;
  distinct: (typeof groupings)[number] | undefined;
  /** The index of a pair. Only pairs with its image are listed. */
  sameImageAs: number | undefined;
  samePairAs: number | undefined;
  /** The columns of the input that are shown; undefined shows the first ones. */
  columns: string[] | undefined;
  /** The index of the pair whose dialog is open. */
  pair: number | undefined;
  /** The first visible row; undefined at the start of the list. */
  row: number | undefined;
}

export function readQuery(query: URLSearchParams): ExplorerQuery {
  const columns = query.get('columns');
  return {
    view: query.get('view') === 'gallery' ? 'gallery' : 'table',
    min: numberIn(query, 'min'),
    max: numberIn(query, 'max'),
    status: statuses.find((status) => status === query.get('status')),
    code: query.get('code') ?? undefined,
    search: query.get('q') ?? '',
    other: query.get('other') ?? undefined,
    otherMin: numberIn(query, 'otherMin'),
    otherMax: numberIn(query, 'otherMax'),
    otherScored: query.get('otherScored') !== 'false',
    sort: sorts.find((sort) => sort === query.get('sort')) ?? 'order',
    distinct: groupings.find((by) => by === query.get('distinct')),
    sameImageAs: numberIn(query, 'sameImageAs'),
    samePairAs: numberIn(query, 'samePairAs'),
    columns: columns === null ? undefined : columnsInQuery(columns),
    pair: numberIn(query, 'pair'),
    row: rowIn(query),
  };
}

function rowIn(query: URLSearchParams): number | undefined {
  const row = numberIn(query, 'row');
  return row !== undefined && Number.isSafeInteger(row) && row > 0 ? row : undefined;
}

export const noFilters: QueryChanges = {
  min: undefined,
  max: undefined,
  status: undefined,
  code: undefined,
  q: undefined,
  other: undefined,
  otherMin: undefined,
  otherMax: undefined,
  otherScored: undefined,
  distinct: undefined,
  sameImageAs: undefined,
  samePairAs: undefined,
};

/** Returns the lowest score that the filters select and the lowest score above their maximum, where they are set. */
export const scoreEdges = ({ min, max }: Pick<ExplorerQuery, 'min' | 'max'>): number[] => [
  ...(min === undefined ? [] : [min]),
  ...(max === undefined ? [] : [Number((max + 0.0001).toFixed(4))]),
];

export const isFiltered = ({ search, ...asked }: ExplorerQuery): boolean =>
  [
    asked.min,
    asked.max,
    asked.status,
    asked.code,
    asked.other,
    asked.distinct,
    asked.sameImageAs,
    asked.samePairAs,
  ].some((value) => value !== undefined) || search !== '';

/**
 * Returns true if the service can read any part of the list directly. It cannot for a search, for a list with cancelled
 * items, and for a running batch.
 */
export const canSkip = (
  { search, status: outcome }: ExplorerQuery,
  { finishedAt, items }: Pick<BatchStatus, 'finishedAt' | 'items'>,
): boolean =>
  finishedAt !== null &&
  search.trim() === '' &&
  (items.cancelled === 0 || ['succeeded', 'failed'].includes(outcome ?? ''));

/**
 * Returns the API query that selects the same pairs in the same order.
 * @param isEnded true to list the pairs in the order of the input. Those of a running batch are listed as evaluated, so
 * that none is missed.
 */
export function apiQuery(asked: ExplorerQuery, isEnded = false): Record<string, string> {
  const { min, max, status, code, search, sort, distinct, sameImageAs, samePairAs } = asked;
  return {
    ...(sort !== 'order' ? { sort } : isEnded && { sort: 'index' }),
    ...(min !== undefined && { minScore: String(min) }),
    ...(max !== undefined && { maxScore: String(max) }),
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    ...(distinct !== undefined && { distinct }),
    ...(sameImageAs !== undefined && { sameImageAs: String(sameImageAs) }),
    ...(samePairAs !== undefined && { samePairAs: String(samePairAs) }),
    ...(search.trim() !== '' && { q: search.trim() }),
    ...otherQuery(asked),
  };
}

function otherQuery({ other, otherScored, otherMin, otherMax }: ExplorerQuery): Record<string, string> {
  if (other === undefined) return {};
  if (!otherScored) return { other, otherScored: 'false' };
  return {
    other,
    ...(otherMin !== undefined && { otherMinScore: String(otherMin) }),
    ...(otherMax !== undefined && { otherMaxScore: String(otherMax) }),
  };
}
