import type { Bytes } from '../../formats/bytes.ts';
import { npyHeader } from '../../formats/embeddings/npy.ts';
import { createEmbeddingWriter } from '../../formats/embeddings/parquet.ts';
import {
  type EmbeddingKind,
  type EmbeddingPrecision,
  type EmbeddingsFormat,
  type EmbeddingsQuery,
  kindsOf,
  numberBytes,
} from '../../shared/contracts/batch/embeddings.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import { ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { absentRows, rowsOf, toFloat32 } from '../store/embeddings.ts';
import type { BatchRecord } from '../store/record.ts';
import { readChunkIndex } from './ordered/chunk-index.ts';
import { partsOf } from './parts.ts';
import type { Source } from './read-chunks.ts';

export interface EmbeddingFile {
  kind: EmbeddingKind;
  format: EmbeddingsFormat;
  /** In bytes; undefined when it is unknown before the file is written. */
  bytes: number | undefined;
  parts: AsyncIterableIterator<Bytes>;
}

/** Consecutive embeddings, one for each item. `rows` is undefined if these items have none. */
interface Rows {
  first: number;
  count: number;
  rows: Buffer | undefined;
}

/** The number of chunks (of up to 64 items) whose embeddings are read at a time. */
const piecesPerRead = 4;
/** The maximum number of absent embeddings that are written at a time. */
const absentAtOnce = 256;

/**
 * Returns the embeddings of a batch as a file, in the order of the items.
 * @throws {ServiceError} `batch.no_embeddings`, `batch.not_finished`, `request.invalid`
 */
export async function readEmbeddings(
  source: Source,
  batch: BatchRecord,
  query: EmbeddingsQuery,
): Promise<EmbeddingFile> {
  const kind = chosenKind(batch, query.kind);
  if (!terminalStates.has(batch.state)) {
    throw new ServiceError('batch.not_finished', 'Embeddings can be read when the batch has ended', { retryAfter: 5 });
  }
  const { total, dimensions = 0, embeddingPrecision: precision = 'float16' } = batch;
  const { format = 'npy' } = query;
  const groups = await readRows(source, batch, kind);
  if (format === 'npy') {
    const header = npyHeader(precision, total, dimensions);
    const bytes = header.length + total * dimensions * numberBytes[precision];
    return {
      kind,
      format,
      bytes,
      parts: partsOf(groups, (rows) => npyRows(rows, precision, dimensions), { before: header }),
    };
  }
  const { model, revision, precision: modelPrecision, preprocess, textCleaning } = batch;
  const facts = { kind, dimensions, precision: modelPrecision, storedAs: precision };
  const writer = createEmbeddingWriter(dimensions, { model, revision, preprocess, textCleaning, ...facts });
  const write = (group: Rows[]): Bytes =>
    Buffer.concat(group.map(({ first, count, rows }) => writer.rows(first, split(rows, count, precision, dimensions))));
  return {
    kind,
    format,
    bytes: undefined,
    parts: partsOf(groups, write, { before: writer.start(), after: writer.end }),
  };
}

function chosenKind({ embeddings }: BatchRecord, asked: EmbeddingKind | undefined): EmbeddingKind {
  const kinds = embeddings === undefined ? [] : kindsOf(embeddings);
  const [only, more] = kinds;
  const kind = asked ?? (more === undefined ? only : undefined);
  if (kind !== undefined && kinds.includes(kind)) return kind;
  if (only === undefined || asked !== undefined) {
    const stored = only === undefined ? 'no embeddings' : `only embeddings of kind ${only}`;
    throw new ServiceError('batch.no_embeddings', `The batch stores ${stored}; post it with the option \`embeddings\``);
  }
  const message = 'the batch stores embeddings of both kinds; name `image` or `text`';
  throw new ServiceError('request.invalid', `kind: ${message}`, { faults: [{ path: 'kind', message }] });
}

/** Returns an iterator over the embeddings of all items, in index order, a few chunks at a time. */
async function readRows(
  source: Source,
  batch: BatchRecord,
  kind: EmbeddingKind,
): Promise<AsyncIterableIterator<Rows[]>> {
  const { id, total, dimensions = 0, embeddingPrecision: precision = 'float16' } = batch;
  const { committed, firsts } = await readChunkIndex(source, batch);
  const rowBytes = dimensions * numberBytes[precision];
  let at = 0;
  let row = 0;

  async function readPiece(chunk: number): Promise<Buffer | undefined> {
    const stored = await source.redis.hgetBuffer(batchKeys(source.redis, id).embeddings(kind, chunk), String(chunk));
    if (stored !== null) return rowsOf(await source.payloads.get(id, stored), precision);
    // A worker of an older release has stored no embeddings for this chunk.
    if ((await source.redis.exists(batchKeys(source.redis, id).batch)) === 1) return undefined;
    throw new ServiceError('batch.not_found', 'The batch was deleted while it was read');
  }
  /** Appends absent embeddings to a group, up to the item `until`. */
  function fill(group: Rows[], until: number): void {
    while (row < until && group.length < 2 * piecesPerRead) {
      const count = Math.min(absentAtOnce, until - row);
      group.push({ first: row, count, rows: undefined });
      row += count;
    }
  }

  // Not a generator, because a generator that waits for its caller would keep the last embeddings in memory.
  const groups: AsyncIterableIterator<Rows[]> = {
    async next() {
      const group: Rows[] = [];
      fill(group, firsts[at] ?? total);
      if (group.length === 0) {
        const chunks = [...committed.subarray(at, at + piecesPerRead)];
        const pieces = await Promise.all(chunks.map(readPiece));
        for (const rows of pieces) {
          // The items before this chunk have no embeddings, so the group ends here. The next group reads the chunk
          // again.
          if (row < (firsts[at] ?? total)) break;
          const count = rows === undefined ? 0 : rows.length / rowBytes;
          if (count > 0) group.push({ first: row, count, rows });
          row += count;
          at++;
        }
        if (group.length === 0) fill(group, firsts[at] ?? total);
      }
      if (group.length === 0 && row >= total && at >= committed.length) return { done: true, value: undefined };
      return { value: group };
    },
    [Symbol.asyncIterator]: () => groups,
  };
  return groups;
}

const npyRows = (group: readonly Rows[], precision: EmbeddingPrecision, dimensions: number): Bytes =>
  Buffer.concat(group.map(({ rows, count }) => rows ?? absentRows(precision, count * dimensions)));

/** Divides embeddings into one for each item. Numbers that are NaN mean that an item has none. */
function split(
  rows: Buffer | undefined,
  count: number,
  precision: EmbeddingPrecision,
  dimensions: number,
): (Float32Array | undefined)[] {
  const numbers = rows && toFloat32(rows, precision);
  return Array.from({ length: count }, (_, at) => {
    const embedding = numbers?.subarray(at * dimensions, (at + 1) * dimensions);
    return embedding === undefined || Number.isNaN(embedding[0]) ? undefined : embedding;
  });
}
