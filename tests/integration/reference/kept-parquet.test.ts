import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Queue } from 'bullmq';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { beforeAll, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { taskQueues } from '../../../shared/redis/keys.ts';
import type { TestProcess } from '../../../testing/processes/service.ts';
import { until } from '../../../testing/until.ts';
import { element, i32, parquetBytes, struct, text } from '../../support/parquet-bytes.ts';
import { findPython } from '../../support/python.ts';
import { keyOf, resultsIn, useReferenceService } from '../../support/reference.ts';
import { vls } from '../../support/vls.ts';

const service = useReferenceService();
const groupRows = 100;

let worker: TestProcess;
beforeAll(async () => {
  worker = await service.startWorker();
});

/** Returns Parquet as data sets of Hugging Face have it, with bytes that are neither image nor text. */
function dataSet(rows: number, imageBytes = 100): Buffer {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'schema', num_children: 5 },
      { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
      { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: 'hash', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'share', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
    ],
    kvMetadata: [
      { key: 'huggingface', value: '{"info": 1}' },
      { key: 'vls', value: 'of an earlier selection' },
    ],
  });
  const indexes = Array.from({ length: rows }, (_, index) => index);
  const columnData = [
    { name: 'id', data: indexes.map((index) => BigInt(7 * index)) },
    { name: 'image', data: indexes.map((index) => ({ bytes: noise(index, imageBytes), path: `${index}.png` })) },
    // An item without a text has no score.
    { name: 'text', data: indexes.map((index) => (index % 10 === 3 ? null : `caption ${index}`)) },
    { name: 'hash', data: indexes.map((index) => (index % 7 === 0 ? null : noise(index, 20))) },
    { name: 'share', data: indexes.map((index) => index / 3) },
  ];
  void parquet.write({ columnData, rowGroupSize: groupRows });
  void parquet.finish();
  return Buffer.from(writer.getBytes());
}

/** Returns bytes that hardly compress, after the signature of PNG. */
function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  for (let at = 8, state = seed + 1; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const rowsOf = async (bytes: Buffer) =>
  await parquetReadObjects({ file: Uint8Array.from(bytes).buffer, compressors, utf8: false });
/** Returns a row as a string, with its bytes as base64. */
const asText = (row: object) =>
  JSON.stringify(row, (_name, value) => {
    if (typeof value === 'bigint') return `${value}n`;
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
const metadataOf = (bytes: Buffer) => parquetMetadata(Uint8Array.from(bytes).buffer);
const receiptIn = (bytes: Buffer) =>
  JSON.parse(metadataOf(bytes).key_value_metadata?.find(({ key }) => key === 'vls')?.value ?? '');

/** The scores of a batch as the service compares them, by index; undefined for an item without one. */
async function scoresIn(folder: string): Promise<(number | undefined)[]> {
  const results = await resultsIn(service.s3, `${folder}results.ndjson`);
  // The service rounds scores to four decimals; the formula of these workers does not.
  return results.map((result) => ('score' in result ? Number(result.score.toFixed(4)) : undefined));
}
const medianOf = (scores: readonly (number | undefined)[]): number =>
  scores.filter((score) => score !== undefined).sort((a, b) => a - b)[Math.floor(scores.length / 2)] ?? 0;

/** Scores a file once, and returns the scores. They depend only on the content of the items. */
async function scoresOf(key: string): Promise<(number | undefined)[]> {
  const { body } = await service.post({ input: service.s3.url(key) });
  await service.written(body.id);
  return await scoresIn(`${key.slice(0, key.lastIndexOf('/') + 1)}${body.id}/`);
}

const filesOf = ({ files }: BatchStatus) => ({ kept: keyOf(files?.kept ?? ''), ids: keyOf(files?.keptIds ?? '') });

test('the rows that pass come back as Parquet with all their columns, in order, with a receipt', async () => {
  const { s3, post, written } = service;
  const input = dataSet(250);
  await s3.put('open/a/set.parquet', input);
  const scores = await scoresOf('open/a/set.parquet');
  const minScore = medianOf(scores);
  const { body } = await post({
    input: s3.url('open/a/set.parquet'),
    output: s3.url('open/a/out'),
    keep: { minScore },
  });
  const ended = await written(body.id);
  expect(ended).toMatchObject({
    state: 'completed_with_errors',
    files: { state: 'written', kept: s3.url('open/a/out/kept.parquet'), keptIds: s3.url('open/a/out/kept.txt') },
  });
  const before = await rowsOf(input);
  const expected = before.filter((_, index) => (scores[index] ?? -1) >= minScore);
  expect(expected.length).toBeGreaterThan(50);
  const kept = await s3.get('open/a/out/kept.parquet');
  expect(await rowsOf(kept)).toEqual(expected);
  const [own, other] = [metadataOf(input), metadataOf(kept)];
  expect(other.schema).toEqual(own.schema);
  expect(own.row_groups).toHaveLength(3);
  expect(other.row_groups.length).toBeGreaterThan(1);
  expect(other.key_value_metadata).toHaveLength(2);
  expect(other.key_value_metadata).toContainEqual({ key: 'huggingface', value: '{"info": 1}' });
  expect(receiptIn(kept)).toMatchObject({
    model: ended.model,
    revision: ended.revision,
    precision: ended.precision,
    kept: { minScore, threshold: minScore, rows: expected.length },
  });
  expect((await s3.get('open/a/out/kept.txt')).toString()).toBe(expected.map(({ id }) => `${id}\n`).join(''));
});

test('several objects are one command; an object without a row that passes gives a file without rows', async () => {
  const { s3, url } = service;
  const counts = [30, 20, 10];
  for (const [at, count] of counts.entries()) await s3.put(`open/b/${at}.parquet`, dataSet(count));
  const env = { VLS_URL: url };
  const run = async (...flags: string[]) => await vls(['batch', ...flags, '--json'], { env });
  const scores = await scoresOf('open/b/0.parquet');
  const limit = medianOf(scores);
  const out = s3.url('open/b/out');
  const { stdout } = await run(s3.url('open/b/{0..2}.parquet'), '--out', out, '--min-score', String(limit));
  expect(JSON.parse(stdout).shards).toHaveLength(3);
  for (const [at, count] of counts.entries()) {
    const own = await scoresIn(`open/b/out/${at}/`);
    const before = await rowsOf(dataSet(count));
    const expected = before.filter((_, index) => (own[index] ?? -1) >= limit);
    expect(await rowsOf(await s3.get(`open/b/out/${at}/kept.parquet`))).toEqual(expected);
  }

  const top = await run(s3.url('open/b/0.parquet'), '--out', `${out}/top/`, '--top', '5');
  expect(JSON.parse(top.stdout).files.kept).toBe(`${out}/top/kept.parquet`);
  const last = scores.filter((score) => score !== undefined).sort((a, b) => b - a)[4] ?? 0;
  const best = (await rowsOf(dataSet(30))).filter((_, index) => (scores[index] ?? -1) >= last);
  const kept = await s3.get('open/b/out/top/kept.parquet');
  expect(await rowsOf(kept)).toEqual(best);
  expect(receiptIn(kept).kept).toEqual({ top: '5', threshold: last, rows: best.length });

  await run(s3.url('open/b/2.parquet'), '--out', `${out}/none/`, '--min-score', '100');
  const none = await s3.get('open/b/out/none/kept.parquet');
  expect(await rowsOf(none)).toEqual([]);
  expect(metadataOf(none).schema).toEqual(metadataOf(dataSet(10)).schema);
  expect(receiptIn(none).kept).toEqual({ minScore: 100, threshold: null, rows: 0 });
});

test('a worker killed while it writes the kept rows: no part is visible, and another worker writes each row once', async () => {
  const { s3, post, written } = service;
  const earlier = Buffer.from('of an earlier batch');
  await s3.put('open/c/out/kept.parquet', earlier);
  // The kept rows are several parts of an upload, so that they take a while.
  const input = dataSet(600, 20_000);
  await s3.put('open/c/set.parquet', input);
  const { body } = await post({
    input: s3.url('open/c/set.parquet'),
    output: s3.url('open/c/out'),
    keep: { top: '80%' },
  });
  // The kept rows are written after the table of results.
  await until(async () => (await s3.keys('open/c/out/')).includes('open/c/out/results.parquet'), { everyMs: 10 });
  await worker.kill();
  const meanwhile = await s3.get('open/c/out/kept.parquet');
  worker = await service.startWorker();
  const ended = await written(body.id);
  expect(ended.files?.state).toBe('written');
  const scores = await scoresIn('open/c/out/');
  const sorted = scores.filter((score) => score !== undefined).sort((a, b) => b - a);
  const last = sorted[Math.ceil(0.8 * sorted.length) - 1] ?? 0;
  const { kept, ids } = filesOf(ended);
  const bytes = await s3.get(kept);
  // On a slow machine the first worker may have written the whole file before it was killed.
  expect([earlier, bytes].some((whole) => whole.equals(meanwhile))).toBe(true);
  const rows = await rowsOf(bytes);
  const expected = (await rowsOf(input)).filter((_, index) => (scores[index] ?? -1) >= last);
  expect(rows.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  // As strings, since `toEqual` compares 10 MB of images byte by byte, which takes seconds.
  expect(rows.map(asText)).toEqual(expected.map(asText));
  expect((await s3.get(ids)).toString().trim().split('\n')).toHaveLength(rows.length);
});

test('a file whose rows cannot be copied is refused before it is scored', async () => {
  const { s3, post, written } = service;
  const old = parquetBytes({
    schema: [element('schema', 3), element('image'), element('text'), struct({ 1: i32(3), 3: i32(0), 4: text('at') })],
    columns: {},
    rows: 0,
  });
  const files = { old: [old, 'INT96'], huge: [hostileOtherColumn(), 'row group'] } as const;
  for (const [name, [bytes, message]] of Object.entries(files)) {
    await s3.put(`open/d/${name}.parquet`, bytes);
    const { body } = await post({ input: s3.url(`open/d/${name}.parquet`), keep: { minScore: 20 } });
    expect(await written(body.id)).toMatchObject({
      state: 'failed',
      reason: 'input',
      inputError: { message: expect.stringContaining(message) },
      files: { state: 'written', kept: null, keptIds: null },
    });
  }
});

/** Returns a file of pairs with a further column of bytes that states more bytes than fit into memory. */
function hostileOtherColumn(): Buffer {
  return parquetBytes({
    schema: [element('schema', 3), element('image'), element('text'), struct({ 1: i32(6), 3: i32(0), 4: text('raw') })],
    columns: Object.fromEntries(
      ['image', 'text', 'raw'].map((name) => [
        name,
        { values: 1, page: Buffer.alloc(5), ...(name === 'raw' && { uncompressedBytes: 2 ** 31 }) },
      ]),
    ),
    rows: 1,
  });
}

test('an input that is changed after it was scored is not copied', async () => {
  const { s3, post, written, client } = service;
  const files = new Queue(taskQueues.files, { connection: { url: service.redis.url }, prefix: '{vls}' });
  await files.pause();
  const { body } = await post({
    input: s3.url('open/a/set.parquet'),
    output: s3.url('open/e/out'),
    keep: { top: '10' },
  });
  await client.batch.until(body.id, ({ finishedAt }) => finishedAt !== null);
  await s3.put('open/a/set.parquet', dataSet(251));
  await files.resume();
  expect(await written(body.id)).toMatchObject({
    state: 'completed_with_errors',
    files: { state: 'failed', error: expect.stringContaining('has changed since the batch was posted') },
  });
  await files.close();
  expect(await s3.keys('open/e/out/')).not.toContain('open/e/out/kept.parquet');
});

const { path: python, reason } = findPython(['pyarrow', 'duckdb', 'webdataset']);
if (reason !== undefined) console.warn(`Skipped: ${reason}`);

test.skipIf(python === undefined)('pyarrow and DuckDB read the kept rows as the same rows of the input', async () => {
  const { s3, post, written } = service;
  const script = fileURLToPath(new URL('../clients/python/data_sets.py', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'vls-kept-'));
  try {
    const run = async (command: string) =>
      await promisify(execFile)(python ?? '', [script, command, folder]).catch(({ stderr }: { stderr: string }) => {
        throw new Error(stderr);
      });
    await run('make');
    await s3.put('open/f/set.parquet', await readFile(join(folder, 'set.parquet')));
    const { body } = await post({
      input: s3.url('open/f/set.parquet'),
      output: s3.url('open/f/out'),
      keep: { top: '40%' },
    });
    expect((await written(body.id)).files?.state).toBe('written');
    const scores = await scoresIn('open/f/out/');
    const last = scores.filter((score) => score !== undefined).sort((a, b) => b - a)[19] ?? 0;
    const kept = scores.flatMap((score = -1, index) => (score >= last ? [index] : []));
    await writeFile(join(folder, 'kept.json'), JSON.stringify(kept));
    await writeFile(join(folder, 'kept.parquet'), await s3.get('open/f/out/kept.parquet'));
    await run('check-kept');
  } finally {
    await rm(folder, { recursive: true });
  }
});
