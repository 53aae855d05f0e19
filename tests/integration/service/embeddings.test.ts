import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { captions, photoNames } from '../../../testing/images/host.ts';
import { dot, readNpy } from '../../support/npy.ts';
import { findPython } from '../../support/python.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();
const texts = Object.values(captions);
const batches = () => `${running.service.url}/evaluator/v1/evaluation/batch`;

/** Six photos with their captions; the third item fails. */
const items = () =>
  photoNames.slice(0, 6).map((name, at) => ({
    image: running.host.url(at === 2 ? 'missing.jpg' : name),
    text: texts[at],
  }));

async function read(id: string, query: string): Promise<Buffer> {
  const response = await fetch(`${batches()}/${id}/embeddings?${query}`);
  if (response.status !== 200) throw new Error(await response.text());
  return Buffer.from(await response.arrayBuffer());
}

const codeOf = async (response: Promise<Response>) => ((await (await response).json()) as { code: string }).code;

/** Posts a batch and waits for its end. */
async function score(posted: unknown[], more: object): Promise<BatchStatus> {
  const { status, body } = await running.client.batch.post(posted, more);
  if (status !== 202) throw new Error(JSON.stringify(body));
  return await running.client.batch.finished(body.id);
}

test.each([
  { precision: 'float16', type: '<f2', bytes: 2, error: 1e-3 },
  { precision: 'float32', type: '<f4', bytes: 4, error: 1e-6 },
] as const)('the cosines of $precision rows of the file are the scores of the batch', async (expected) => {
  const { precision, type, error } = expected;
  const posted = await running.client.batch.post(items(), { embeddings: 'both', embeddingPrecision: precision });
  const { embeddings } = posted.body;
  expect(embeddings).toMatchObject({ of: 'both', precision });
  expect(embeddings?.bytes).toBe(6 * 2 * (embeddings?.dimensions ?? 0) * expected.bytes);
  const { id } = await running.client.batch.finished(posted.body.id);
  const files = { image: await read(id, 'kind=image'), text: await read(id, 'kind=text&format=npy') };
  const [image, text] = [readNpy(files.image), readNpy(files.text)];
  for (const array of [image, text]) expect(array).toMatchObject({ type, rows: 6, columns: embeddings?.dimensions });
  const results = await running.client.batch.results(id);
  for (const result of results) {
    const [left, right] = [image.row(result.index), text.row(result.index)];
    if (result.status === 'succeeded') {
      expect(Math.abs(dot(left, right) - result.cosine)).toBeLessThan(error);
      expect(dot(left, left)).toBeCloseTo(1, 2);
    } else expect([...left, ...right].every(Number.isNaN)).toBe(true);
  }
  expect(results.filter(({ status }) => status === 'failed').map(({ index }) => index)).toEqual([2]);

  const file = new Uint8Array(await read(id, 'kind=image&format=parquet')).buffer;
  const rows = (await parquetReadObjects({ file })) as { index: bigint; embedding: number[] | null }[];
  expect(rows.map(({ index }) => Number(index))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(rows[2]?.embedding ?? null).toBeNull();
  expect(rows[4]?.embedding).toEqual(image.row(4));

  const python = findPython(['numpy']);
  if (python.path === undefined) return void console.warn(`NumPy reads no file here: ${python.reason}`);
  const folder = mkdtempSync(join(tmpdir(), 'vls-npy-'));
  try {
    writeFileSync(join(folder, 'image.npy'), files.image);
    writeFileSync(join(folder, 'text.npy'), files.text);
    const script =
      'import json, sys, numpy as n; a, b = n.load("image.npy"), n.load("text.npy"); json.dump([str(a.dtype), list(a.shape), n.nan_to_num((a.astype("f8") * b.astype("f8")).sum(1), nan=-9).tolist()], sys.stdout)';
    const { stdout, stderr } = spawnSync(python.path, ['-c', script], { cwd: folder, encoding: 'utf8' });
    if (stdout === '') throw new Error(stderr);
    const [dtype, shape, cosines] = JSON.parse(stdout) as [string, number[], number[]];
    expect([dtype, shape]).toEqual([precision, [6, embeddings?.dimensions]]);
    for (const result of results) {
      const cosine = result.status === 'succeeded' ? result.cosine : -9;
      expect(Math.abs((cosines[result.index] ?? 0) - cosine)).toBeLessThan(error);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('texts are scored with stored images of an earlier batch, and no image is fetched or embedded', async () => {
  const earlier = await score(items(), { embeddings: 'image', embeddingPrecision: 'float32' });
  const known = await running.client.batch.results(earlier.id);
  const metrics = async () =>
    String((await running.client.call<string>('/metrics')).body)
      .split('\n')
      .filter((line) => /^vls_(embedding_cache_lookups_total.*input="image"|fetched_bytes_total)/.test(line));
  const before = [running.host.requests, await metrics()];

  const csv = ['image,text', `0,"${texts[0]}"`, `5,"${texts[5]}"`, `5,"${texts[1]}"`, '2,failed', '6,beyond', 'x,no'];
  const response = await fetch(`${batches()}?imagesFrom=${earlier.id}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: csv.join('\n'),
  });
  const posted = (await response.json()) as BatchStatus;
  expect(posted).toMatchObject({ imagesFrom: earlier.id, model: earlier.model, embeddings: null });
  await running.client.batch.finished(posted.id);
  const results = (await running.client.batch.results(posted.id)).sort((a, b) => a.index - b.index);
  const cosineOf = (at: number, list = results) => {
    const found = list.find(({ index }) => index === at);
    return found?.status === 'succeeded' ? found.cosine : undefined;
  };
  expect([cosineOf(0), cosineOf(1)]).toEqual([cosineOf(0, known), cosineOf(5, known)]);
  expect(cosineOf(2)).toBeLessThan(cosineOf(1) ?? -1);
  expect(results.slice(3).map((result) => result.status === 'failed' && result.error.code)).toEqual([
    ...['image.not_stored', 'image.not_stored', 'item.invalid'],
  ]);
  expect([running.host.requests, await metrics()]).toEqual(before);

  // A deleted batch gives no images any more, and each item says so.
  const held = { imagesFrom: earlier.id };
  await fetch(`${batches()}/${earlier.id}`, { method: 'DELETE' });
  expect(
    await codeOf(
      running.client.batch.post([{ image: '0', text: 'a cat' }], held).then((answer) => Response.json(answer.body)),
    ),
  ).toBe('batch.not_found');
});

test('options that cannot be met are refused with a stable code', async () => {
  const plain = await score(items().slice(0, 1), {});
  const texted = await score(items().slice(0, 1), { embeddings: 'text' });
  const both = await score(items().slice(0, 1), { embeddings: 'both' });
  const code = async (more: object) => {
    const { body } = await running.client.batch.post<{ code: string }>([{ image: '0', text: 'a' }], more);
    return body.code;
  };
  const codes = [
    await codeOf(fetch(`${batches()}/${plain.id}/embeddings`)),
    await codeOf(fetch(`${batches()}/${texted.id}/embeddings?kind=image`)),
    await codeOf(fetch(`${batches()}/${both.id}/embeddings`)),
    await code({ imagesFrom: plain.id }),
    await code({ imagesFrom: texted.id }),
    await code({ imagesFrom: 'unknown' }),
    await code({ embeddingPrecision: 'float32' }),
  ];
  expect(codes).toEqual([
    ...['batch.no_embeddings', 'batch.no_embeddings', 'request.invalid', 'batch.no_embeddings', 'batch.no_embeddings'],
    ...['batch.not_found', 'request.invalid'],
  ]);
  const open = await running.client.batch.post([{ image: running.host.url('held/coffee.jpg'), text: 'a' }], {
    embeddings: 'image',
  });
  expect(await codeOf(fetch(`${batches()}/${open.body.id}/embeddings`))).toBe('batch.not_finished');
  expect(await code({ imagesFrom: open.body.id })).toBe('batch.not_finished');
  running.host.release();
  await running.client.batch.finished(open.body.id);
});
