import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredItem } from '../../../batches/store/payload.ts';
import { openInput } from '../../../cli/batch/input.ts';
import { keepSamples } from '../../../cli/batch/keep.ts';
import { checkKeeping, parseTop } from '../../../cli/batch/keep-flags.ts';
import type { ScoredShard } from '../../../cli/batch/shard-scores.ts';
import { readBody } from '../../../formats/body.ts';
import { joinBytes } from '../../../formats/bytes.ts';
import { createResultWriter } from '../../../formats/index.ts';
import { membersOf } from '../../../formats/tar/members.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { itemError } from '../../../shared/errors.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../formats/fixtures/tar/${name}`, import.meta.url));
const { signal } = new AbortController();
const columns = { image: 'image', text: 'text', id: 'id' };
let directory: string;
const at = (name: string) => join(directory, name);
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-keep-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Members of a tar with the lengths of their bytes. */
async function members(file: string): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const { name, bytes } of membersOf(readBody(createReadStream(file)).bytes)) {
    let length = 0;
    for await (const chunk of bytes) length += chunk.length;
    found.push([name, length]);
  }
  return found;
}

/** Writes the results of a shard; a null score is a failed sample. */
async function scores(name: string, values: (number | null)[]): Promise<string> {
  const lines = values.map((score, index) =>
    JSON.stringify(
      score === null ? { index, status: 'failed' } : { index, id: `k${index}`, status: 'succeeded', score },
    ),
  );
  await writeFile(at(name), `${lines.join('\n')}\n`);
  return at(name);
}

describe('the samples that are kept', () => {
  test('have all their files as they were, in a tar of the same name', async () => {
    const shards = [{ file: fixture('pairs.tar'), columns, output: await scores('a.ndjson', [10, 28]) }];
    const kept = await keepSamples(shards, { keep: at('kept'), minScore: 28 }, signal);
    expect(kept).toMatchObject({ scored: 2, kept: 1, threshold: 28, ties: 0 });
    const before = (await members(fixture('pairs.tar'))).filter(([name]) => name.startsWith('000000002'));
    expect(before).toHaveLength(3);
    expect(await members(at('kept/pairs.tar'))).toEqual(before);
    expect(await readFile(kept.ids, 'utf8')).toBe('k1\n');
    expect((await readdir(at('kept'))).sort()).toEqual(['ids.txt', 'pairs.tar']);
  });

  test('are found by their index, also behind samples that failed, links and files of no sample', async () => {
    const names = ['bad-samples.tar', 'pax.tar'];
    const shards = [
      { file: fixture('bad-samples.tar'), columns, output: await scores('a.ndjson', [9, ...Array(13).fill(null), 8]) },
      { file: fixture('pax.tar'), columns, output: await scores('b.ndjson', [1, 7]) },
    ];
    await keepSamples(shards, { keep: at('kept'), minScore: 5 }, signal);
    const found = await Promise.all(
      names.map(async (name) => (await members(at(`kept/${name}`))).map(([file]) => file)),
    );
    const long = `${'deep/'.repeat(30)}photo`;
    expect(found).toEqual([
      ['ok1.jpg', 'ok1.txt', 'ok2.jpg', 'ok2.txt'],
      [`${long}.webp`, `${long}.txt`],
    ]);
  });

  test('are gzip where their shard was, and a shard without any leaves no file', async () => {
    await writeFile(at('two.tar.gz'), gzipSync(await readFile(fixture('pairs.tar'))));
    const shards = [
      { file: fixture('pairs.tar'), columns, output: await scores('a.ndjson', [1, 2]) },
      { file: at('two.tar.gz'), columns, output: await scores('b.ndjson', [50, 2]) },
    ];
    await mkdir(at('kept'));
    await writeFile(at('kept/pairs.tar'), 'of an earlier run');
    await keepSamples(shards, { keep: at('kept'), minScore: 40 }, signal);
    expect((await readdir(at('kept'))).sort()).toEqual(['ids.txt', 'two.tar.gz']);
    expect(gunzipSync(await readFile(at('kept/two.tar.gz'))).toString('latin1')).toContain('000000001.jpg');
  });

  test.each([
    [{ share: 0.5 }, 0, 2, 40, 0],
    [{ count: 1 }, 0, 1, 50, 0],
    [{ count: 3 }, 0, 4, 30, 1],
    [{ count: 99 }, 0, 4, 30, 0],
    [{ share: 1 }, 35, 2, 40, 0],
    [{ count: 1 }, 60, 0, null, 0],
  ])(
    'with the top %j and a least score of %d are %d, as a plain sort says',
    async (top, minScore, count, threshold, ties) => {
      const shards = [
        { file: fixture('pairs.tar'), columns, output: await scores('a.ndjson', [30, 50]) },
        { file: fixture('pairs.tar.gz'), columns, output: await scores('b.ndjson', [40, 30]) },
      ];
      const kept = await keepSamples(shards, { keep: at('kept'), top, minScore }, signal);
      expect(kept).toMatchObject({ scored: 4, kept: count, threshold, ties });
    },
  );
});

describe('the rows of Parquet that are kept', () => {
  const columns = { image: 'url', text: 'caption', id: 'key' };
  const parquet = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
  const rowsOf = async (file: string) =>
    await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors, utf8: false });

  /** Writes the results of a shard as `vls batch` does. */
  async function results(name: string, input: string, values: (number | null)[], idColumn = 'key'): Promise<string> {
    const opened = await openInput(input, {
      strictness: 'lenient',
      imageColumn: 'url',
      textColumn: 'caption',
      idColumn,
    });
    const items: StoredItem[] = [];
    for await (const some of opened.items()) items.push(...some);
    const header = opened.header();
    const source = header && { columns: header.names, columnNames: header.columns, columnTypes: header.types };
    const writer = createResultWriter('parquet', { ...source }, 'keep');
    const outcomes = values.map((score, index): ItemResult => {
      const id = items[index]?.id;
      return score === null
        ? { index, ...(id !== undefined && { id }), status: 'failed', error: itemError('item.invalid', 'bad') }
        : { index, ...(id !== undefined && { id }), status: 'succeeded', score, cosine: score / 100 };
    });
    await writeFile(at(name), joinBytes([writer.start(), writer.rows(outcomes, items), writer.end()]));
    return at(name);
  }

  test('have all their columns as they were, bytes too, over row groups', async () => {
    const file = parquet('links.parquet');
    const output = await results('links.scores.parquet', file, [5, 60, 5, null, 5, 5, 70, 5, 5, 65]);
    const kept = await keepSamples([{ file, output, columns }], { keep: at('kept'), minScore: 60 }, signal);
    expect(kept).toMatchObject({ scored: 9, kept: 3, threshold: 60 });
    const before = await rowsOf(file);
    expect(await rowsOf(at('kept/links.parquet'))).toEqual([before[1], before[6], before[9]]);
    expect(await readFile(kept.ids, 'utf8')).toBe('1\n6\n9\n');
    const [own, other] = await Promise.all(
      [file, at('kept/links.parquet')].map(async (path) => await parquetMetadataAsync(await asyncBufferFromFile(path))),
    );
    expect(other?.schema).toEqual(own?.schema);
    expect(other?.key_value_metadata).toEqual(own?.key_value_metadata);
    expect((await readdir(at('kept'))).sort()).toEqual(['ids.txt', 'links.parquet']);
  });

  test('with a share of all shards are those of a plain sort; a shard without any leaves no file', async () => {
    await copyFile(parquet('links.parquet'), at('more.parquet'));
    const shards = [
      {
        file: parquet('links.parquet'),
        columns,
        output: await results('a.parquet', parquet('links.parquet'), Array(10).fill(1)),
      },
      {
        file: at('more.parquet'),
        columns,
        output: await results('b.parquet', at('more.parquet'), [9, 8, 7, 6, 5, 4, 3, 2, 2, 2]),
      },
    ];
    const kept = await keepSamples(shards, { keep: at('kept'), top: { share: 0.3 } }, signal);
    expect(kept).toMatchObject({ scored: 20, kept: 6, threshold: 4, ties: 0 });
    expect((await readdir(at('kept'))).sort()).toEqual(['ids.txt', 'more.parquet']);
    expect((await rowsOf(at('kept/more.parquet'))).map(({ key }) => key)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
  });

  test('are listed by their index if they have no id, after the name of the file among several', async () => {
    await copyFile(parquet('links.parquet'), at('more.parquet'));
    const values = Array.from({ length: 10 }, (_, index) => index);
    const shardOf = async (file: string, output: string): Promise<ScoredShard> => ({
      file,
      columns: { ...columns, id: 'none' },
      output: await results(output, file, values, 'none'),
    });
    const one = await shardOf(parquet('links.parquet'), 'a.parquet');
    const more = await shardOf(at('more.parquet'), 'b.parquet');
    const keep = async (name: string, some: ScoredShard[]) => {
      const kept = await keepSamples(some, { keep: at(name), minScore: 8 }, signal);
      return await readFile(kept.ids, 'utf8');
    };
    expect(await keep('alone', [one])).toBe('8\n9\n');
    expect(await keep('both', [one, more])).toBe('links.parquet:8\nlinks.parquet:9\nmore.parquet:8\nmore.parquet:9\n');
  });

  test('have structures of bytes and path', async () => {
    const names = { image: 'image', text: 'text', id: 'id' };
    const file = parquet('images.parquet');
    const shards = [{ file, columns: names, output: await scores('a.ndjson', [10, 50]) }];
    await keepSamples(shards, { keep: at('kept'), minScore: 20 }, signal);
    expect(await rowsOf(at('kept/images.parquet'))).toEqual((await rowsOf(file)).slice(1));
  });
});

describe('flags of a selection', () => {
  test.each([
    ['30%', { share: 0.3 }],
    ['12.5%', { share: 0.125 }],
    ['100000', { count: 100_000 }],
  ])('--top %s is %j', (text, top) => {
    expect(parseTop(text)).toEqual(top);
  });

  test.each(['0', '0%', '101%', '1.5', 'all', '', '-1'])('--top %j is refused', (text) => {
    expect(() => parseTop(text)).toThrow('Expected a share');
  });

  test.each([
    [['a.tar'], { minScore: 3 }, '--keep DIR'],
    [['a.tar'], { keep: 'k' }, 'needs --min-score or --top'],
    [['a.tar', 'b.csv'], { keep: 'k', minScore: 3 }, /b\.csv .*results ID --min-score 3 --out kept\.csv/],
    [['b.csv'], { minScore: 30 }, /b\.csv .*results ID --min-score 30 --out kept\.csv/],
    [['b.tsv'], { top: { share: 0.07 } }, /b\.tsv .*results ID --top 7% --out kept\.csv/],
    [['b.ndjson'], { keep: 'k', minScore: 3, top: { count: 9 } }, /results ID --min-score 3 --top 9 --out/],
    [['x/a.tar', 'y/a.tar'], { keep: 'k', minScore: 3 }, 'different names'],
    [['x/a.tar'], { keep: 'x', minScore: 3 }, 'folder of the input files'],
  ])('%j with %j is refused', async (files, flags, message) => {
    await expect(checkKeeping(files, flags)).rejects.toThrow(message);
  });

  test('a folder with other files is refused, and that of an earlier run is not', async () => {
    await mkdir(at('kept'));
    await writeFile(at('kept/mine.txt'), '');
    const flags = { keep: at('kept'), minScore: 3 };
    await expect(checkKeeping(['a.tar'], flags)).rejects.toThrow('other files');
    await writeFile(at('kept/ids.txt.part'), '');
    expect(await checkKeeping(['a.tar'], flags)).toEqual(flags);
  });
});
