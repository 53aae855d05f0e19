import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { BatchRecord } from '../record.ts';
import { type ChunkResults, readChunks, type Source } from './chunks.ts';
import { createResultCsv } from './csv.ts';

/** Chunks read at a time, and so held in memory: with large metadata or inline images each may have megabytes. */
const chunksPerRead = 4;

export async function* inIndexOrder(
  source: Source,
  batch: BatchRecord,
  withItems: boolean,
  atATime: number,
): AsyncGenerator<ChunkResults & { chunk: number }> {
  for (let from = 0; from < batch.chunks; from += atATime) {
    const count = Math.min(atATime, batch.chunks - from);
    const numbers = Array.from({ length: count }, (_, at) => from + at);
    for (const [at, read] of (await readChunks(source, batch, numbers, withItems)).entries()) {
      if (read !== undefined) yield { ...read, chunk: from + at };
    }
  }
}

/**
 * The whole batch as one JSON object a line, in index order; while it runs, what there is.
 * @param atATime chunks that are read together.
 */
export async function* streamNdjson(
  source: Source,
  batch: BatchRecord,
  { status }: Pick<StreamQuery, 'status'>,
  atATime = chunksPerRead,
): AsyncGenerator<string> {
  for await (const { results } of inIndexOrder(source, batch, false, atATime)) {
    const lines = results
      .filter((result) => status === undefined || result.status === status)
      .map((result) => `${JSON.stringify(result)}\n`);
    if (lines.length > 0) yield lines.join('');
  }
}

/** The same as CSV. */
export async function* streamCsv(
  source: Source,
  batch: BatchRecord,
  query: StreamQuery,
  atATime = chunksPerRead,
): AsyncGenerator<string> {
  const csv = createResultCsv(batch, query.formulas);
  yield csv.header();
  for await (const { results, items } of inIndexOrder(source, batch, true, atATime)) {
    const rows = csv.rows(results, items, query.status);
    if (rows !== '') yield rows;
  }
}
