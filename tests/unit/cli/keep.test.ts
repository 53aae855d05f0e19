import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepSamples } from '../../../cli/batch/keep.ts';
import { checkKeeping, parseTop } from '../../../cli/batch/keep-flags.ts';
import { readBody } from '../../../formats/body.ts';
import { membersOf } from '../../../formats/tar/members.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../formats/fixtures/tar/${name}`, import.meta.url));
const { signal } = new AbortController();
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
    const shards = [{ file: fixture('pairs.tar'), output: await scores('a.ndjson', [10, 28]) }];
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
      { file: fixture('bad-samples.tar'), output: await scores('a.ndjson', [9, ...Array(13).fill(null), 8]) },
      { file: fixture('pax.tar'), output: await scores('b.ndjson', [1, 7]) },
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
      { file: fixture('pairs.tar'), output: await scores('a.ndjson', [1, 2]) },
      { file: at('two.tar.gz'), output: await scores('b.ndjson', [50, 2]) },
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
        { file: fixture('pairs.tar'), output: await scores('a.ndjson', [30, 50]) },
        { file: fixture('pairs.tar.gz'), output: await scores('b.ndjson', [40, 30]) },
      ];
      const kept = await keepSamples(shards, { keep: at('kept'), top, minScore }, signal);
      expect(kept).toMatchObject({ scored: 4, kept: count, threshold, ties });
    },
  );
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
    [['a.tar', 'b.csv'], { keep: 'k', minScore: 3 }, 'b.csv'],
    [['x/a.tar', 'y/a.tar'], { keep: 'k', minScore: 3 }, 'different names'],
    [['x/a.tar'], { keep: 'x', minScore: 3 }, 'folder of the shards'],
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
