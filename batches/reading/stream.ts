import { createResultCsv } from '../../formats/delimited/results.ts';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import { inOneLine } from '../../shared/exact-json.ts';
import type { BatchRecord } from '../store/record.ts';
import { partsOf } from './parts.ts';
import { type ChunkResults, readChunks, type Source } from './read-chunks.ts';

/** What is read together, and so held in memory. A chunk may have bytes by the million: metadata, inline images. */
export interface ReadAhead {
  chunks: number;
  /** Of JSON. One chunk may have more by itself. */
  bytes: number;
}

/** For a reader over HTTP, of which there may be hundreds. */
const overHttp: ReadAhead = { chunks: 4, bytes: 2 * 1024 * 1024 };

interface Chunk extends ChunkResults {
  chunk: number;
}

/** Groups of chunks in index order; a group has as many as the largest chunk so far leaves room for. */
export function inIndexOrder(
  source: Source,
  batch: BatchRecord,
  withItems: boolean,
  { chunks, bytes }: ReadAhead,
): AsyncIterableIterator<Chunk[]> {
  /** Nobody knows at first how large the chunks of this batch are: the first is read alone. */
  let largest = Number.POSITIVE_INFINITY;
  let from = 0;
  // No generator, for the reason of `partsOf`.
  const groups: AsyncIterableIterator<Chunk[]> = {
    async next() {
      if (from >= batch.chunks) return { done: true, value: undefined };
      const atATime = Math.min(chunks, Math.max(1, Math.floor(bytes / largest)), batch.chunks - from);
      const numbers = Array.from({ length: atATime }, (_, at) => from + at);
      const group = await readGroup(source, batch, numbers, withItems);
      largest = Math.max(from === 0 ? 0 : largest, ...group.map((read) => read.bytes));
      from += atATime;
      return { value: group };
    },
    [Symbol.asyncIterator]: () => groups,
  };
  return groups;
}

async function readGroup(
  source: Source,
  batch: BatchRecord,
  numbers: readonly number[],
  withItems: boolean,
): Promise<Chunk[]> {
  const read = await readChunks(source, batch, numbers, withItems);
  return read.flatMap((chunk, at) => (chunk === undefined ? [] : [{ ...chunk, chunk: numbers[at] ?? 0 }]));
}

/** The whole batch as one JSON object a line, in index order; while it runs, what there is. */
export function streamNdjson(
  source: Source,
  batch: BatchRecord,
  { status }: Pick<StreamQuery, 'status'>,
  ahead = overHttp,
): AsyncIterableIterator<string> {
  return partsOf(inIndexOrder(source, batch, false, ahead), (group) => {
    const lines = group.flatMap(({ results }) =>
      results
        .filter((result) => status === undefined || result.status === status)
        .map((result) => `${JSON.stringify(result)}\n`),
    );
    return inOneLine(lines.join(''));
  });
}

/** The same as CSV. */
export function streamCsv(
  source: Source,
  batch: BatchRecord,
  query: StreamQuery,
  ahead = overHttp,
): AsyncIterableIterator<string> {
  const csv = createResultCsv(batch, query.formulas);
  const rowsOf = (group: readonly Chunk[]): string =>
    group.map(({ results, items }) => csv.rows(results, items, query.status)).join('');
  return partsOf(inIndexOrder(source, batch, true, ahead), rowsOf, { before: csv.header() });
}
