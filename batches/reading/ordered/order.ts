import { z } from 'zod';
import { addressOf } from '../../../formats/result-columns.ts';
import type { OrderedSelection, ResultOrder, SameBy, TopSelected } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { ServiceError } from '../../../shared/errors.ts';
import type { StoredItem } from '../../store/payload.ts';
import type { BatchRecord } from '../../store/record.ts';
import { cosineSteps } from '../../store/score-index.ts';
import { createCursor } from '../cursor.ts';
import { findDistinct, membersOf } from '../duplicates/distinct.ts';
import { createFirstMatches } from '../duplicates/first-matches.ts';
import { readGroups } from '../duplicates/groups.ts';
import { both, readSame } from '../duplicates/same.ts';
import { type ChunkResults, readChunks, type Source } from '../read-chunks.ts';
import { createSelector, needsItems } from '../selection.ts';
import { beforeAll, bestAfter, indexAt, type RankedOrder } from './best-after.ts';
import { placeOf, readChunkIndex } from './chunk-index.ts';
import { conditionsOf } from './conditions.ts';
import { createMatches } from './matches.ts';
import { readRule, withRule } from './rule.ts';
import { readSegments } from './segments.ts';
import { itemAt, positionBefore } from './skip.ts';
import { surveyIndex } from './survey.ts';
import { selectTop } from './top.ts';

/**
 * A position in sorted results. In an order by score or cosine, the items with a score come first; `after` is the
 * position of one of these items. All other items are read chunk by chunk: `chunk` is the next chunk, and `items` is
 * the number of its items that were already read. In an order by index, all items are read chunk by chunk.
 */
const place = z.union([
  z.strictObject({ sort: z.string(), after: z.number() }),
  z.strictObject({ sort: z.string(), chunk: z.int().min(0), items: z.int().min(0) }),
]);
export type Place = z.output<typeof place>;
const cursor = createCursor<Place>(place);

/** Consecutive results in the chosen sort order, read by one call of `step`. */
export interface Step {
  results: ItemResult[];
  /** The posted items of these results, if they were requested. */
  items: (StoredItem | undefined)[];
  /** The position after these results; undefined when no results follow. */
  next: Place | undefined;
  /**
   * `read`: the number of bytes of JSON that were read for these results. `bytes`: the approximate size of the results
   * themselves as JSON, in bytes.
   */
  read: number;
  bytes: number;
  /** The number of chunks that were read for these results. */
  chunks: number;
}

/** The results of a batch in a chosen sort order. Results that are committed after its creation may be missing. */
export interface Order {
  start: Place;
  /**
   * Reads at most `most` results that follow a position. It may return fewer results, or none, although more results
   * follow later.
   */
  step(after: Place, most: number): Promise<Step>;
  /** The number of results that meet all conditions of the query except `q`. */
  selected: number;
  top: TopSelected | undefined;
  encode(next: Place | undefined): string | null;
}

/** In a search for the text `q`, items are read in sort order, and at least this number of them at a time. */
const searchedAtOnce = 512;
/**
 * In a search for the text `q`, items are read in sort order if at most about this number must be read. If more must be
 * read, the whole batch is searched once instead.
 */
const readByRank = 2_048;
/**
 * The limits for the results that are read at a time in an order by score or cosine: the size of these results as JSON
 * in bytes, and the bytes of JSON that are read for them. At most `fewest` results may exceed both limits.
 */
const bytesPerStep = 8 * 1024 * 1024;
const readPerStep = 256 * 1024 * 1024;
const fewest = 8;
/** The results of a chunk are assumed to have equal sizes if the chunk has fewer than this many bytes of JSON. */
const evenChunk = 64 * 1024;

/** The number of chunks that are read at a time. A chunk with large metadata may take megabytes of memory. */
const chunksPerRead = 8;

export interface OrderOptions {
  /** True to read the items of the results too. */
  withItems: boolean;
  /** The second batch on which the query has conditions; undefined if there is none. */
  other: BatchRecord | undefined;
}

/**
 * Prepares the sorted results of a query with `sort`, `top`, `other` or conditions on equal items.
 * @throws {ServiceError} `request.invalid` for a cursor of another sort order.
 */
export async function createOrder(
  source: Source,
  batch: BatchRecord,
  query: OrderedSelection & { cursor?: string | undefined; skip?: number | undefined },
  { withItems, other }: OrderOptions,
): Promise<Order> {
  const { sort = 'index' } = query;
  const following = query.cursor === undefined ? undefined : cursor.decode(query.cursor);
  if (following !== undefined && following.sort !== sort) {
    const message = `The cursor belongs to a list sorted by ${following.sort.slice(0, 20)}; send it with the same query as the page that contained it`;
    throw new ServiceError('request.invalid', message, { faults: [{ path: 'cursor', message }] });
  }
  const index = await readChunkIndex(source, batch);
  const groupsBy = (by: SameBy) => readGroups(source, batch, index, by);
  const meets = both(other && (await readRule(source, batch, other, query)), await readSame(query, groupsBy));
  const all = () => readSegments(source, batch);
  const selectable = () => (meets === undefined ? all() : withRule(all(), meets));
  const selectedTop = query.top === undefined ? undefined : await selectTop(all(), query.top);
  const conditions = conditionsOf(query, selectedTop?.lastMillionths, meets !== undefined);
  const { scored: range } = conditions;
  const groups = query.distinct === undefined || range === undefined ? undefined : await groupsBy(query.distinct);
  const distinct = groups && range && (await findDistinct(selectable(), groups, sort, range));
  // For a query with the text `q`, the item that represents a group of equal items is the first one that contains the
  // text. It is found only when the items are read.
  const isShown = query.q === undefined ? distinct?.isFirst : undefined;
  const segments = () => (isShown === undefined ? selectable() : withRule(selectable(), isShown));
  // If the text `q` is frequent, it is found among the first items in sort order. For any other text the whole batch is
  // searched once, because reading in sort order would read almost every chunk for only a few of its items.
  const matches = query.q === undefined ? undefined : createMatches(source, batch, query.q);
  let contains = matches?.known();
  /** The number of items that were read so far in sort order, and the number of results that they gave. */
  const sample = { positions: 0, found: 0 };
  const searched = () => (contains === undefined ? segments() : withRule(segments(), contains));
  const survey = await surveyIndex(segments(), index, conditions, sort === 'index');
  const isSelected = createSelector(query);
  const readsItems = withItems || needsItems(query);
  /**
   * The position from which results are read chunk by chunk. In an order by index, all selected items are read in this
   * way; in other orders, only the items without a score.
   */
  const firstChunk: Place | undefined = survey.chunks.length > 0 ? { sort, chunk: 0, items: 0 } : undefined;

  /**
   * Returns the position after the first `skip` results.
   * @throws {ServiceError} `request.invalid` when the results cannot be counted without reading them.
   */
  async function placeAfter(skip: number): Promise<Place> {
    if (query.q !== undefined || (conditions.cancelled && batch.cancelled > 0)) {
      const message = 'cannot be combined with `q`, or with cancelled items; follow `next` instead';
      throw new ServiceError('request.invalid', `skip: ${message}`, { faults: [{ path: 'skip', message }] });
    }
    if (sort !== 'index' && range !== undefined && skip < survey.scored) {
      return { sort, after: await positionBefore(segments, sort, range, skip) };
    }
    const ranges = sort === 'index' && range !== undefined ? [range, ...conditions.unscored] : conditions.unscored;
    const item = await itemAt(segments, ranges, sort === 'index' ? skip : skip - survey.scored);
    if (item === undefined) return { sort, chunk: batch.chunks, items: 0 };
    const at = placeOf(index, item);
    return { sort, chunk: index.committed[at] ?? 0, items: item - (index.firsts[at] ?? 0) };
  }

  /** Returns the next results in an order by score or cosine. @param asked the number of items to read for them. */
  async function stepByRank(order: RankedOrder, after: number, most: number, asked: number): Promise<Step> {
    const positions =
      range === undefined ? new Float64Array() : await bestAfter(searched(), order, range, after, asked);
    const step: Step = { results: [], items: [], next: undefined, read: 0, bytes: 0, chunks: 0 };
    const found = await readPositions(positions, step);
    // The items are larger than expected, so fewer of them are read in the next attempt.
    if (found === undefined) return await stepByRank(order, after, most, Math.ceil(asked / 4));
    const shown = await amongFirst(found.flatMap((each) => each?.[0].index ?? []));
    for (let rank = 0; rank < positions.length; rank++) {
      const [result, item] = found[rank] ?? [];
      if (result === undefined || !shown(result.index)) continue;
      step.results.push(result);
      step.items.push(item);
      if (step.results.length < most || rank + 1 === positions.length) continue;
      return { ...step, next: { sort, after: positions[rank] ?? after } };
    }
    const isLast = positions.length < asked;
    return { ...step, next: isLast ? firstChunk : { sort, after: positions.at(-1) ?? after } };
  }

  /**
   * Reads the results at the given positions. The entries of the returned list are in the order of the positions. An
   * entry is undefined if its result does not meet the conditions of the query. Returns undefined instead of a list
   * when the results together are too large.
   */
  async function readPositions(
    positions: Float64Array,
    step: Step,
  ): Promise<([ItemResult, StoredItem | undefined] | undefined)[] | undefined> {
    const wanted = new Map<number, number[]>();
    for (let rank = 0; rank < positions.length; rank++) {
      const at = placeOf(index, indexAt(positions[rank] ?? 0));
      const ranks = wanted.get(at);
      if (ranks === undefined) wanted.set(at, [rank]);
      else ranks.push(rank);
    }
    const found: ([ItemResult, StoredItem | undefined] | undefined)[] = new Array(positions.length);
    const places = [...wanted.keys()].sort((a, b) => a - b);
    for (let from = 0; from < places.length; from += chunksPerRead) {
      const some = places.slice(from, from + chunksPerRead);
      const numbers = some.map((at) => index.committed[at] ?? 0);
      const chunks = await readChunks(source, batch, numbers, readsItems);
      step.chunks += chunks.length;
      for (const [nth, chunk] of chunks.entries()) {
        if (chunk === undefined) continue;
        step.read += chunk.bytes;
        const at = some[nth] ?? 0;
        for (const rank of wanted.get(at) ?? []) {
          const offset = indexAt(positions[rank] ?? 0) - (index.firsts[at] ?? 0);
          const [result, item] = [chunk.results[offset], chunk.items[offset]];
          if (result === undefined || !isSelected(result, item)) continue;
          step.bytes += bytesOf(result, chunk);
          found[rank] = [result, item && withAddress(item)];
        }
      }
      const isTooLarge = step.bytes > bytesPerStep || step.read > readPerStep;
      if (isTooLarge && positions.length > fewest) return undefined;
    }
    return found;
  }

  async function stepByIndex(at: { chunk: number; items: number }, most: number): Promise<Step> {
    const step: Step = { results: [], items: [], next: undefined, read: 0, bytes: 0, chunks: 0 };
    const from = firstAtOrAfter(survey.chunks, at.chunk);
    const numbers = survey.chunks.slice(from, from + Math.min(chunksPerRead, Math.ceil(most / 8)));
    const chunks = await readChunks(source, batch, numbers, readsItems);
    const matches: { result: ItemResult; item: StoredItem | undefined; place: Place }[] = [];
    for (const [nth, number] of numbers.entries()) {
      const { results = [], items = [], bytes = 0 } = chunks[nth] ?? {};
      step.read += bytes;
      step.bytes += bytes;
      step.chunks++;
      for (let offset = number === at.chunk ? at.items : 0; offset < results.length; offset++) {
        const [result, item] = [results[offset], items[offset]];
        if (result === undefined || !isListed(result) || !isSelected(result, item)) continue;
        matches.push({ result, item, place: { sort, chunk: number, items: offset } });
      }
    }
    const shown = await amongFirst(matches.map(({ result }) => result.index));
    for (const { result, item, place } of matches) {
      if (!shown(result.index)) continue;
      if (step.results.length === most) return { ...step, next: place };
      step.results.push(result);
      step.items.push(item);
    }
    const following = survey.chunks[from + numbers.length];
    if (following !== undefined) step.next = { sort, chunk: following, items: 0 };
    return step;
  }

  /**
   * Returns true for a result that belongs in the list when chunks are read one by one. In an order by score or cosine,
   * this is false for results with a score, because `stepByRank` returns them.
   */
  function isListed(result: ItemResult): boolean {
    if (result.status !== 'succeeded') return selectedTop === undefined && meets === undefined;
    if (sort !== 'index' || meets?.(result.index) === false || isShown?.(result.index) === false) return false;
    return selectedTop === undefined || Math.round(result.cosine * cosineSteps) >= selectedTop.lastMillionths;
  }

  /** Finds the first item that contains the text `q` in each group of equal items. */
  const firstMatches =
    query.q !== undefined && groups !== undefined && range !== undefined
      ? createFirstMatches(groups, (wanted) => membersOf(selectable(), groups, sort, range, wanted), contain)
      : undefined;
  /** Returns a function that returns true for each of the given items that represents its group of equal items. */
  async function amongFirst(items: readonly number[]): Promise<(item: number) => boolean> {
    const first = await firstMatches?.among(items);
    return (item) => first?.has(item) ?? true;
  }

  /** Reads the given items, and returns those that meet all conditions of the query. */
  async function contain(items: readonly number[]): Promise<ReadonlySet<number>> {
    const found = new Set<number>();
    const places = [...new Set(items.map((item) => placeOf(index, item)))];
    const wanted = new Set(items);
    for (let from = 0; from < places.length; from += chunksPerRead) {
      const numbers = places.slice(from, from + chunksPerRead).map((at) => index.committed[at] ?? 0);
      for (const chunk of await readChunks(source, batch, numbers, readsItems)) {
        for (const [at, result] of (chunk?.results ?? []).entries()) {
          if (wanted.has(result.index) && isSelected(result, chunk?.items[at])) found.add(result.index);
        }
      }
    }
    return found;
  }

  return {
    start: following ?? (query.skip === undefined ? startOf(sort) : await placeAfter(query.skip)),
    async step(after, most) {
      const isRare = sample.positions > 0 && sample.found * readByRank < most * sample.positions;
      if ('after' in after && isRare) contains ??= await matches?.find();
      const asked = query.q === undefined || contains !== undefined ? most : Math.max(most, searchedAtOnce);
      const step = await ('after' in after
        ? stepByRank(rankedOrder(sort), after.after, most, asked)
        : stepByIndex(after, most));
      sample.positions += 'after' in after ? asked : 0;
      sample.found += 'after' in after ? step.results.length : 0;
      if (query.distinct === undefined) return step;
      const withSize = (result: ItemResult) => ({ ...result, groupSize: distinct?.sizeOf(result.index) ?? 1 });
      return { ...step, results: step.results.map(withSize) };
    },
    selected:
      survey.scored -
      (isShown === undefined ? (distinct?.others ?? 0) : 0) +
      survey.unscored +
      (conditions.cancelled ? batch.cancelled : 0),
    top: selectedTop?.top,
    encode: (next) => (next === undefined ? null : cursor.encode(next)),
  };
}

/** Returns the approximate size of a result and its item as JSON, in bytes. */
function bytesOf(result: ItemResult, { bytes, results }: ChunkResults): number {
  return bytes < evenChunk ? bytes / results.length : 2 * JSON.stringify(result).length;
}

/** Returns an item with the address of its image. The bytes of an inline image are left out, as in all results. */
const withAddress = (item: StoredItem): StoredItem => ('error' in item ? item : { ...item, image: addressOf(item) });

/**
 * Returns the sort order of a query whose cursor is a position in an order by score or cosine.
 * @throws {ServiceError} `request.invalid` for the order by index, which has no such positions.
 */
function rankedOrder(sort: ResultOrder): RankedOrder {
  if (sort !== 'index') return sort;
  throw new ServiceError('request.invalid', 'The cursor is invalid; send the `next` of the previous page');
}

const startOf = (sort: ResultOrder): Place =>
  sort === 'index' ? { sort, chunk: 0, items: 0 } : { sort, after: beforeAll };

/** Returns the position of the first number that is at least `limit` in an ascending list. */
function firstAtOrAfter(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
