import { type Bytes, joinBytes } from '../../formats/bytes.ts';
import { createResultWriter } from '../../formats/index.ts';
import type { StreamQuery } from '../../shared/contracts/batch/results.ts';
import { type FormatName, formatNamed } from '../../shared/formats.ts';
import type { BatchRecord } from '../store/record.ts';
import { partsOf } from './parts.ts';
import { type ChunkResults, readChunks, type Source } from './read-chunks.ts';
import { createSelector, isWhole, needsItems } from './selection.ts';
import { withItem } from './with-item.ts';

/** The limits of chunks in memory. A chunk may have megabytes of metadata or inline images. */
export interface ReadAhead {
  chunks: number;
  /** In bytes of JSON. A larger chunk is read alone. */
  bytes: number;
}

/** Low, because hundreds of clients may read over HTTP. */
const overHttp: ReadAhead = { chunks: 4, bytes: 2 * 1024 * 1024 };

interface Chunk extends ChunkResults {
  chunk: number;
}

/** Returns an iterator over groups of chunks, in index order. The largest chunk so far limits the size of a group. */
export function inIndexOrder(
  source: Source,
  batch: BatchRecord,
  withItems: boolean,
  { chunks, bytes }: ReadAhead,
): AsyncIterableIterator<Chunk[]> {
  /** In bytes. Unknown at first, so the first chunk is read alone. */
  let largest = Number.POSITIVE_INFINITY;
  let from = 0;
  // Not a generator, because a generator that waits for its caller would keep the last chunks in memory.
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

/** Writes the results of a batch in the order of the items; for a running batch, those that exist now. */
export function streamResults(
  source: Source,
  batch: BatchRecord,
  format: FormatName,
  query: StreamQuery,
  ahead = overHttp,
): AsyncIterableIterator<Bytes> {
  const writer = createResultWriter(format, batch, query.formulas);
  const isSelected = createSelector(query);
  const selects = !isWhole(query);
  const { hasColumns } = formatNamed(format);
  const addsItems = query.withItems === true && !hasColumns;
  const rowsOf = (group: readonly Chunk[]): Bytes =>
    joinBytes(
      group.map(({ results, items }) => {
        const written = addsItems ? results.map((result, at) => withItem(result, items[at])) : results;
        if (!selects) return writer.rows(written, items);
        const selected = results.map((result, at) => isSelected(result, items[at]));
        return writer.rows(
          written.filter((_, at) => selected[at]),
          items.filter((_, at) => selected[at]),
        );
      }),
    );
  // Columns of image and text need the items, because results do not contain them.
  const groups = inIndexOrder(source, batch, hasColumns || addsItems || needsItems(query), ahead);
  return partsOf(groups, rowsOf, { before: writer.start(), after: writer.end });
}
