import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { dot, readNpy } from '../../support/npy.ts';
import { useService } from '../../support/running-service.ts';
import { startVls, vls } from '../../support/vls.ts';

const running = useService();

let directory: string;
let env: Record<string, string>;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-sets-'));
  env = { VLS_URL: running.service.url, DATA_DIR: join(directory, 'data'), TMPDIR: directory };
});
afterEach(() => rm(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

/** Enough chunks that a kill after the post comes before their results. */
const rows = 40;
const samples = Array.from({ length: rows }, (_, index) => ({
  key: String(index).padStart(3, '0'),
  // Bytes after the end of a JPEG make another image of it.
  image: Buffer.concat([readPhoto('chelsea.jpg'), Buffer.from(String(index))]),
  text: `a cat, number ${index}`,
}));

async function writeTar(): Promise<string> {
  const tar = pack();
  for (const { key, image, text } of samples) {
    tar.entry({ name: `${key}.jpg` }, image);
    tar.entry({ name: `${key}.txt` }, text);
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar as AsyncIterable<Buffer>) parts.push(part);
  await writeFile(at('set.tar'), Buffer.concat(parts));
  return at('set.tar');
}

async function writeParquet(): Promise<string> {
  const writer = new ByteWriter();
  void parquetWrite({
    writer,
    columnData: [
      { name: 'image', data: samples.map(({ image }) => Uint8Array.from(image)), type: 'BYTE_ARRAY' },
      { name: 'text', data: samples.map(({ text }) => text), type: 'STRING' },
      { name: 'id', data: samples.map(({ key }) => key), type: 'STRING' },
    ],
    rowGroupSize: 16,
  });
  await writeFile(at('set.parquet'), writer.getBytes());
  return at('set.parquet');
}

async function writeFolder(): Promise<string> {
  await mkdir(at('set'));
  for (const { key, image, text } of samples) {
    await writeFile(at(`set/${key}.jpg`), image);
    await writeFile(at(`set/${key}.txt`), text);
  }
  return at('set');
}

const linesOf = async (file: string) => (await readFile(file, 'utf8')).trim().split('\n');
const rowsOf = async (file: string) => await parquetReadObjects({ file: await asyncBufferFromFile(file) });

test.each([
  [
    'a tar',
    writeTar,
    'set.scores.ndjson',
    async (file: string) => (await linesOf(file)).map((line) => JSON.parse(line)),
  ],
  ['Parquet', writeParquet, 'set.scores.parquet', rowsOf],
  [
    'a folder',
    writeFolder,
    'set.scores.csv',
    async (file: string) =>
      (await linesOf(file)).slice(1).map((line) => ({ index: line.split(',')[0], id: line.split(',')[1] })),
  ],
])(
  '%s killed in the middle and run again is scored once, and its output is complete',
  async (_name, write, output, read) => {
    const file = await write();
    const first = startVls(['batch', file], { env });
    await first.prints(/batch \S+ has 40 rows/);
    first.child.kill('SIGKILL');
    await first.ended;
    const { batchId } = JSON.parse(await readFile(at(`${output}.vls.json`), 'utf8'));
    expect(await readdir(directory)).not.toContain(output);
    const second = await vls(['batch', file], { env });
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining(`continuing with batch ${batchId}`) });
    const results: { index: unknown; id: unknown }[] = await read(at(output));
    expect(results.map(({ index, id }) => [Number(index), id])).toEqual(samples.map(({ key }, index) => [index, key]));
    const { body } = await running.client.call<BatchList>('/v1/evaluation/batch?limit=1');
    expect(body.batches[0]?.id).toBe(batchId);
    expect((await readdir(directory)).filter((name) => name.includes('.part'))).toEqual([]);
  },
);

test.each([
  ['a tar', writeTar, 'set.scores'],
  ['Parquet', writeParquet, 'set.scores'],
  ['a folder', writeFolder, 'set.scores'],
])('%s has its embeddings in files next to the output, also after a kill', async (_name, write, stem) => {
  const file = await write();
  const command = ['batch', file, '--embeddings', 'both', '--embedding-precision', 'float32'];
  const first = startVls(command, { env });
  await first.prints(/batch \S+ has 40 rows/);
  first.child.kill('SIGKILL');
  await first.ended;
  const files = [at(`${stem}.image.npy`), at(`${stem}.text.npy`)];
  const second = await vls(command, { env });
  expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('continuing with batch') });
  for (const path of files) expect(second.stdout).toContain(path);
  const [image, text] = await Promise.all(files.map(async (path) => readNpy(await readFile(path))));
  const { body } = await running.client.call<BatchList>('/v1/evaluation/batch?limit=1');
  const results = await running.client.batch.results(body.batches[0]?.id ?? '');
  expect(image).toMatchObject({ type: '<f4', rows });
  for (const result of results) {
    if (result.status !== 'succeeded' || image === undefined || text === undefined) throw new Error('no score');
    expect(Math.abs(dot(image.row(result.index), text.row(result.index)) - result.cosine)).toBeLessThan(1e-6);
  }

  // A kill between two files leaves the first one. The next run reads the others from the same batch.
  await rm(files[1] ?? '');
  await writeFile(`${files[1]}.part`, 'half of a file');
  const third = await vls(command, { env });
  expect(third).toMatchObject({ code: 0, stderr: expect.stringContaining('continuing with batch') });
  const again = readNpy(await readFile(files[1] ?? ''));
  expect(again.row(rows - 1)).toEqual(text?.row(rows - 1));
  const list = await running.client.call<BatchList>('/v1/evaluation/batch?limit=1');
  expect(list.body.batches[0]?.id).toBe(body.batches[0]?.id);
  expect((await readdir(directory)).filter((name) => name.includes('.part'))).toEqual([]);
  expect((await vls(command, { env })).stdout).toContain('An earlier run has ended with these results');
});

test('shards have their embeddings each, as Parquet, and a command reads those of any batch', async () => {
  const one = await writeTar();
  const two = at('other.parquet');
  await rename(await writeParquet(), two);
  const command = ['batch', one, two, '--out', at('scores'), '--embeddings', 'image', '--embedding-format', 'parquet'];
  const { shards } = JSON.parse((await vls([...command, '--json'], { env })).stdout);
  const paths = ['set.scores.image.parquet', 'other.scores.image.parquet'].map((name) => at(`scores/${name}`));
  expect(
    shards.map(({ embeddings }: { embeddings: { path: string }[] }) => embeddings.map(({ path }) => path)),
  ).toEqual(paths.map((path) => [path]));
  const read = await vls(['embeddings', shards[0].batchId, '--out', at('image.npy'), '--json'], { env });
  expect(read.code).toBe(0);
  const array = readNpy(await readFile(at('image.npy')));
  const table = await rowsOf(paths[0] ?? '');
  expect(table.map(({ embedding }) => embedding)).toEqual(
    Array.from({ length: rows }, (_, row) => [...array.row(row)]),
  );
});

test.each([
  ['a tar', writeTar, 'set.tar'],
  ['Parquet', writeParquet, 'set.parquet'],
])('what a killed --keep of %s has left is replaced by whole files', async (_name, write, name) => {
  const file = await write();
  const command = ['batch', file, '--out', at('scores'), '--keep', at('kept'), '--top', '25%', '--json'];
  await mkdir(at('kept'));
  await writeFile(at(`kept/${name}.part`), 'half of a shar');
  await writeFile(at('kept/ids.txt.part'), '00');
  const { kept } = JSON.parse((await vls(command, { env })).stdout);
  expect(kept).toMatchObject({ scored: rows, kept: 10 + kept.ties });
  expect((await readdir(at('kept'))).sort()).toEqual(['ids.txt', name]);
  const ids = await linesOf(at('kept/ids.txt'));
  expect(ids).toHaveLength(kept.kept);
  if (name === 'set.parquet') {
    const before = samples.filter(({ key }) => ids.includes(key));
    expect((await rowsOf(at(`kept/${name}`))).map(({ id, text }) => [id, text])).toEqual(
      before.map(({ key, text }) => [key, text]),
    );
  }
});
