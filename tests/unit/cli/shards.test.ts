import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandShards, outputsOf } from '../../../cli/batch/shards.ts';

let directory: string;
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-shards-'));
  await mkdir(at('sub'));
  for (const name of ['b.tar', 'a.tar', 'a.csv', '{x}.tar', 'sub/a.tar', '{1..2}.tar']) await writeFile(at(name), 'x');
});
afterAll(() => rm(directory, { recursive: true }));

const names = async (...patterns: string[]) =>
  (await expandShards(patterns.map(at))).map((file) => file.slice(directory.length + 1));

describe('names of several files', () => {
  test.each([
    ['s{008..010}.tar', ['s008.tar', 's009.tar', 's010.tar']],
    ['s{8..10}.tar', ['s8.tar', 's9.tar', 's10.tar']],
    ['{a,b}/{0..1}.csv', ['a/0.csv', 'a/1.csv', 'b/0.csv', 'b/1.csv']],
    ['*.tar', ['a.tar', 'b.tar', '{1..2}.tar', '{x}.tar']],
    ['**/a.tar', ['a.tar', 'sub/a.tar']],
    ['{x}.tar', ['{x}.tar']],
    ['{1..2}.tar', ['{1..2}.tar']],
  ])('%s means each of them, in order', async (pattern, expected) => {
    expect(await names(pattern)).toEqual(expected);
  });

  test('a list keeps its order, also with patterns in it', async () => {
    expect(await names('b.tar', '*.csv', 'a.tar')).toEqual(['b.tar', 'a.csv', 'a.tar']);
    expect(await expandShards(['s3://bucket/a*.tar', '-'])).toEqual(['s3://bucket/a*.tar', '-']);
  });

  test.each([
    [['*.none'], 'No file matches'],
    [['*.tar', 'a.tar'], 'a.tar is given twice'],
    [['{5..4}.tar'], 'its end is smaller than its start'],
    [['{0..999999}.tar'], 'more than 100000 files'],
    [['{0..999}{0..999}.tar'], 'more than 100000 files'],
  ])('%j is refused', async (patterns, message) => {
    await expect(names(...patterns)).rejects.toThrow(message);
  });
});

describe('outputs of several files', () => {
  test('are next to each, or in a folder', async () => {
    expect(await outputsOf(['x/a.tar', 'x/b.csv.gz'], undefined)).toEqual(['x/a.scores.ndjson', 'x/b.scores.csv']);
    const folder = at('out/new');
    expect(await outputsOf(['x/a.tar', 'x/b.csv'], folder)).toEqual([
      join(folder, 'a.scores.ndjson'),
      join(folder, 'b.scores.csv'),
    ]);
  });

  test('are different files', async () => {
    await expect(outputsOf(['x/a.tar', 'y/a.tar'], at('out'))).rejects.toThrow(
      'Two input files would be scored into the same output',
    );
    await expect(outputsOf(['x/a.tar'], at('a.csv'))).rejects.toThrow('--out must name a folder');
  });
});
