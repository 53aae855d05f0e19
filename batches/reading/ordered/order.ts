import { z } from 'zod';
import type { OrderedSelection, ResultOrder, SameBy, TopSelected } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { withoutBytes } from '../../store/item-address.ts';
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
import { drawSample } from './sample.ts';
import { readSegments } from './segments.ts';
import { itemAt, positionBefore } from './skip.ts';
import { surveyIndex } from './survey.ts';
import { selectTop } from './top.ts';

/**
 * A position in sorted results. By score or cosine, scored items come first, and `after` is the position of one. All
 * other items are read chunk by chunk: `items` of those in `chunk` were read. By index, all items are read in this way.
 */
const place = z.union([
  z.strictObject({ sort: z.string(), after: z.number() }),
  z.strictObject({ sort: z.string(), chunk: z.int().min(0), items: z.int().min(0) }),
]);
export type Place = z.output<typeof place>;
const cursor = createCursor<Place>(place);

/** Consecutive results in the chosen sort order. */
export interface Step {
  results: ItemResult[];
  /** The posted items, if they were requested. */
  items: (StoredItem | undefined)[];
  /** The position after these results; undefined at the end. */
  next: Place | undefined;
  /** `read`: bytes of JSON that were read. `bytes`: the approximate size of the results as JSON. */
  read: number;
  bytes: number;
  chunks: number;
}

/** The results of a batch in a sort order. Results that are committed after its creation may be missing. */
export interface Order {
  start: Place;
  /** Reads at most `most` results that follow a position. Fewer, or none, do not mean the end. */
  step(after: Place, most: number): Promise<Step>;
  /** The number of results that meet all conditions except `q`. */
  selected: number;
  top: TopSelected | undefined;
  encode(next: Place | undefined): string | null;
}

/** The minimum number of items that a search for `q` reads at a time in sort order. */
const searchedAtOnce = 512;
/** A search for `q` reads items in sort order up to about this number. Otherwise it searches the whole batch once. */
const readByRank = 2_048;
/**
 * In bytes of JSON: the limit of the results that one read by score or cosine returns, and of all that it reads. At
 * most `fewest` results may exceed it.
 */
const bytesPerStep = 8 * 1024 * 1024;
const readPerStep = 256 * 1024 * 1024;
const fewest = 8;
/** Results in a chunk below this many bytes of JSON count as equally large. */
const evenChunk = 64 * 1024;

/** A chunk with large metadata may take megabytes. */
const chunksPerRead = 8;

export interface OrderOptions {
  withItems: boolean;
  /** The second batch on which the query has conditions. */
  other: BatchRecord | undefined;
}

/**
 * Prepares the sorted results of a query with `sort`, `top`, `other`, `sample` or conditions on equal items.
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
  const needsScore = meets !== undefined || query.sample !== undefined;
  const conditions = conditionsOf(query, selectedTop?.lastMillionths, needsScore);
  const { scored: range } = conditions;
  const groups = query.distinct === undefined || range === undefined ? undefined : await groupsBy(query.distinct);
  const distinct = groups && range && (await findDistinct(selectable(), groups, sort, range));
  // With `q`, the item that represents a group of equal items is the first that contains the text. Only reading the
  // items finds it.
  const isShown = query.q === undefined ? distinct?.isFirst : undefined;
  const shown = () => (isShown === undefined ? selectable() : withRule(selectable(), isShown));
  const isSampled =
    query.sample === undefined || range === undefined
      ? undefined
      : await drawSample(shown(), range, query.sample, query.seed ?? 0);
  const segments = () => (isSampled === undefined ? shown() : withRule(shown(), isSampled));
  // A frequent text is soon found in sort order. For a rare one the whole batch is searched once, because sort order
  // would read almost every chunk for a few items.
  const matches = query.q === undefined ? undefined : createMatches(source, batch, query.q);
  let contains = matches?.known();
  /** Counts the items read so far in sort order, and their results. */
  const sample = { positions: 0, found: 0 };
  const searched = () => (contains === undefined ? segments() : withRule(segments(), contains));
  const survey = await surveyIndex(segments(), index, conditions, sort === 'index');
  const isSelected = createSelector(query);
  const readsItems = withItems || needsItems(query);
  /** Where chunk by chunk reading starts: of all items by index, and otherwise of those without a score. */
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

  /** Returns the next results by score or cosine. @param asked the number of items to read. */
  async function stepByRank(order: RankedOrder, after: number, most: number, asked: number): Promise<Step> {
    const positions =
      range === undefined ? new Float64Array() : await bestAfter(searched(), order, range, after, asked);
    const step: Step = { results: [], items: [], next: undefined, read: 0, bytes: 0, chunks: 0 };
    const found = await readPositions(positions, step);
    // The items are larger than expected, so fewer are read.
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
   * Reads the results at the given positions, with undefined for those that do not meet the conditions. Returns
   * undefined when the results are too large together.
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
          found[rank] = [result, item && withoutBytes(item)];
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
    const matches: { result: ItemResult; item: StoredItem | undefined; place: Place; chunk: ChunkResults }[] = [];
    for (const [nth, number] of numbers.entries()) {
      const chunk = chunks[nth];
      step.chunks++;
      if (chunk === undefined) continue;
      const { results, items } = chunk;
      step.read += chunk.bytes;
      for (let offset = number === at.chunk ? at.items : 0; offset < results.length; offset++) {
        const [result, item] = [results[offset], items[offset]];
        if (result === undefined || !isListed(result) || !isSelected(result, item)) continue;
        matches.push({ result, item, place: { sort, chunk: number, items: offset }, chunk });
      }
    }
    const shown = await amongFirst(matches.map(({ result }) => result.index));
    for (const { result, item, place, chunk } of matches) {
      if (!shown(result.index)) continue;
      if (step.results.length === most) return { ...step, next: place };
      step.bytes += bytesOf(result, chunk);
      step.results.push(result);
      step.items.push(item);
    }
    const following = survey.chunks[from + numbers.length];
    if (following !== undefined) step.next = { sort, chunk: following, items: 0 };
    return step;
  }

  /**
   * Returns true for a result that is read chunk by chunk. By score or cosine, `stepByRank` returns the scored ones.
   */
  function isListed(result: ItemResult): boolean {
    if (result.status !== 'succeeded') return selectedTop === undefined && !needsScore;
    if (sort !== 'index' || [meets, isShown, isSampled].some((rule) => rule?.(result.index) === false)) return false;
    return selectedTop === undefined || Math.round(result.cosine * cosineSteps) >= selectedTop.lastMillionths;
  }

  const firstMatches =
    query.q !== undefined && groups !== undefined && range !== undefined
      ? createFirstMatches(groups, (wanted) => membersOf(selectable(), groups, sort, range, wanted), contain)
      : undefined;
  /** Returns a function that is true for each of these items that represents its group of equal items. */
  async function amongFirst(items: readonly number[]): Promise<(item: number) => boolean> {
    const first = await firstMatches?.among(items);
    return (item) => first?.has(item) ?? true;
  }

  /** Returns those of the given items that meet all conditions. */
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
      (isShown === undefined && isSampled === undefined ? (distinct?.others ?? 0) : 0) +
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

/**
 * Returns the sort order of a query that pages by score or cosine.
 * @throws {ServiceError} `request.invalid` for the order by index.
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
