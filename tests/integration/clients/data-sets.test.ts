import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepSamples } from '../../../cli/batch/keep.ts';
import { readBody } from '../../../formats/body.ts';
import { joinBytes } from '../../../formats/bytes.ts';
import type { Header } from '../../../formats/format.ts';
import { createResultWriter, readItems, readItemsOfFile } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { FormatName } from '../../../shared/formats.ts';
import { findPython } from '../../support/python.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('python/data_sets.py', import.meta.url));
const { path: python, reason } = findPython(['pyarrow', 'duckdb', 'webdataset']);
if (reason !== undefined) console.warn(`Skipped: ${reason}`);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-sets-'));
});
afterAll(() => rm(folder, { recursive: true }));

const columns = { image: 'image', text: 'text', id: 'id' };
const rows = 50;
const isKept = (index: number) => index % 10 < 3;
const scoreOf = (index: number) => (isKept(index) ? 40 + index : 10);

async function read(format: FormatName, name: string): Promise<{ items: ReadItem[]; header: Header | undefined }> {
  const file = readItemsOfFile(format, join(folder, name), { strictness: 'strict', columns });
  const items: ReadItem[] = [];
  for await (const some of file.items) items.push(...some);
  return { items, header: file.header() };
}

test.skipIf(python === undefined)(
  'data sets of tarfile and pyarrow are read, and their subsets and scores are what webdataset, pyarrow and DuckDB expect',
  async () => {
    await run(python ?? '', [script, 'make', folder]);
    const tar = await read('tar', 'set.tar');
    expect(tar.items).toHaveLength(rows);
    expect(tar.items[7]).toMatchObject({ id: 'set/00007', text: 'caption 7', metadata: { n: 7 } });
    const parquet = await read('parquet', 'set.parquet');
    expect(parquet.items[7]).toMatchObject({ text: 'caption 7 é', image: { path: '7.jpg' } });
    // The same file as a stream, through the process that reads it.
    const streamed: ReadItem[] = [];
    const { bytes } = readBody(createReadStream(join(folder, 'set.parquet')));
    for await (const some of readItems('parquet', bytes, { strictness: 'strict', columns }).items)
      streamed.push(...some);
    expect(JSON.stringify(streamed)).toBe(JSON.stringify(parquet.items));

    const results = parquet.items.map((_, index): ItemResult => {
      return { index, status: 'succeeded', score: scoreOf(index), cosine: scoreOf(index) / 100 };
    });
    const { header } = parquet;
    const source = header && { columns: header.names, columnNames: header.columns, columnTypes: header.types };
    const writer = createResultWriter('parquet', { ...source, model: 'compact-1' }, 'keep');
    const scores = join(folder, 'scores.parquet');
    await writeFile(scores, joinBytes([writer.start(), writer.rows(results, parquet.items), writer.end()]));
    const lines = join(folder, 'scores.ndjson');
    await writeFile(lines, results.map((result) => `${JSON.stringify(result)}\n`).join(''));
    const shards = [
      { file: join(folder, 'set.tar'), output: lines, columns },
      { file: join(folder, 'set.parquet'), output: scores, columns },
    ];
    const keep = join(folder, 'kept');
    const kept = await keepSamples(shards, { keep, minScore: 40 }, new AbortController().signal);
    expect(kept.kept).toBe(30);
    await rename(join(keep, 'set.tar'), join(folder, 'kept.tar'));
    await rename(join(keep, 'set.parquet'), join(folder, 'kept.parquet'));
    await writeFile(
      join(folder, 'kept.json'),
      JSON.stringify(results.flatMap(({ index }) => (isKept(index) ? [index] : []))),
    );
    await run(python ?? '', [script, 'check', folder]).catch(({ stderr }: { stderr: string }) => {
      throw new Error(stderr);
    });
  },
);
