import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { Redis } from '../../shared/redis.ts';
import type { BatchRecord } from '../record.ts';
import { type ChunkResults, readChunks } from './chunks.ts';
import { createResultCsv } from './csv.ts';

/** Chunks read at a time, and so held in memory: with large metadata or inline images each may have megabytes. */
const chunksPerRead = 4;

async function* inIndexOrder(redis: Redis, batch: BatchRecord, withItems: boolean): AsyncGenerator<ChunkResults> {
  for (let from = 0; from < batch.chunks; from += chunksPerRead) {
    const count = Math.min(chunksPerRead, batch.chunks - from);
    const numbers = Array.from({ length: count }, (_, at) => from + at);
    for (const chunk of await readChunks(redis, batch, numbers, withItems)) if (chunk !== undefined) yield chunk;
  }
}

/** The whole batch as one JSON object a line, in index order; while it runs, what there is. */
export async function* streamNdjson(redis: Redis, batch: BatchRecord, { status }: StreamQuery): AsyncGenerator<string> {
  for await (const { results } of inIndexOrder(redis, batch, false)) {
    const lines = results
      .filter((result) => status === undefined || result.status === status)
      .map((result) => `${JSON.stringify(result)}\n`);
    if (lines.length > 0) yield lines.join('');
  }
}

/** The whole batch as CSV in index order; while it runs, what there is. */
export async function* streamCsv(redis: Redis, batch: BatchRecord, query: StreamQuery): AsyncGenerator<string> {
  const csv = createResultCsv(batch, query.formulas);
  yield csv.header();
  for await (const { results, items } of inIndexOrder(redis, batch, true)) {
    const rows = csv.rows(results, items, query.status);
    if (rows !== '') yield rows;
  }
}
