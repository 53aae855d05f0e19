import { stringify } from 'csv-stringify/sync';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Redis } from '../../shared/redis.ts';
import type { StoredItem } from '../payload.ts';
import type { BatchRecord } from '../record.ts';
import { type ChunkResults, readChunks } from './chunks.ts';

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

/** What is said of every item, after the columns it came with. */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

/**
 * The whole batch as CSV in index order: the columns it was posted with, then ours. A column of the same name as one of
 * ours keeps it, and ours gets the prefix `vls_`. Text of the client's that a spreadsheet would take for a formula is
 * quoted with an apostrophe, unless `formulas=keep`.
 */
export async function* streamCsv(redis: Redis, batch: BatchRecord, query: StreamQuery): AsyncGenerator<string> {
  const given = batch.columns ?? ['id', 'image', 'text', 'metadata'];
  const names = batch.columnNames ?? { id: 'id', image: 'image', text: 'text' };
  const ours = ['index', ...ownColumns].map((name) => (given.includes(name) ? `vls_${name}` : name));
  const disarm = query.formulas === 'escape' ? disarmed : (text: string) => text;
  const [index = 'index', ...after] = ours;
  yield stringify([[index, ...given.map(disarm), ...after]]);

  const cell = (column: string, item: StoredItem | undefined, result: ItemResult): string => {
    if (column === names.id) return result.id ?? '';
    if (column === names.image) return item === undefined ? '' : addressOf(item);
    if (column === names.text) return item !== undefined && 'text' in item ? item.text : '';
    const { metadata } = result;
    if (batch.columns === undefined) return metadata === undefined ? '' : JSON.stringify(metadata);
    return String(metadata?.[column] ?? '');
  };
  for await (const { results, items } of inIndexOrder(redis, batch, true)) {
    const rows = results.flatMap((result, at) => {
      if (query.status !== undefined && result.status !== query.status) return [];
      return [
        [
          String(result.index),
          ...given.map((column) => disarm(cell(column, items[at], result))),
          ...outcomeCells(result, disarm),
        ],
      ];
    });
    if (rows.length > 0) yield stringify(rows);
  }
}

/** What a client sent, so that a spreadsheet shows it instead of running it; a number stays a number. */
const disarmed = (text: string): string =>
  /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;

/** Messages may begin with words of an image host or of the client. */
function outcomeCells(result: ItemResult, disarm: (text: string) => string): string[] {
  switch (result.status) {
    case 'succeeded':
      return [
        'succeeded',
        String(result.score),
        String(result.cosine),
        '',
        '',
        disarm(result.warnings?.join('; ') ?? ''),
      ];
    case 'failed':
      return ['failed', '', '', result.error.code, disarm(result.error.message), ''];
    case 'cancelled':
      return ['cancelled', '', '', '', '', ''];
  }
}

/** The image as it was given; an inline one is left out, as no spreadsheet could hold it. */
function addressOf(item: StoredItem): string {
  if ('error' in item) return '';
  const { image } = item;
  const source = typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : '';
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
