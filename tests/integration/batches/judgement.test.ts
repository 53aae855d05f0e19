import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOfChunk } from '../../../batches/store/chunk-sizes.ts';
import { setLabels } from '../../../batches/store/judgement/set-labels.ts';
import { startSample } from '../../../batches/store/judgement/start-sample.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { batchKeys, finishedBatches } from '../../../shared/redis/keys.ts';
import { type Engine, failed, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** A batch of 8 items: those of the first chunk have scores, those of the second failed. */
async function postJudged(): Promise<string> {
  const id = await engine.post(8);
  await engine.commit(id, 0, succeeded(0, 4));
  await engine.commit(id, 1, failed(4, 4));
  return id;
}
const start = async (id: string, indexes: number[], replaces?: string | null) =>
  (await engine.batches.startSample(tenant, id, { edges: [0, 20.5], indexes, replaces })).sample;
const right = (index: number) => ({ index, label: 'right' as const });
const wrong = (index: number) => ({ index, label: 'wrong' as const });
const labelsOf = async (id: string) => {
  const { pairs } = await engine.batches.judgement(tenant, id);
  return pairs.map(({ index, label }) => [index, label]);
};

test('a sample keeps its order and its edges, and each pair has its item, its score and its label', async () => {
  const id = await postJudged();
  expect(await engine.batches.judgement(tenant, id)).toEqual({ sample: null, edges: [], pairs: [] });
  const sample = await start(id, [3, 0, 2]);
  const counts = await engine.batches.setLabels(tenant, id, { sample, labels: [right(0), wrong(3)] });
  expect(counts).toEqual({ sample, right: 1, wrong: 1, open: 1 });
  const pair = (index: number) => ({
    ...{ index, text: `text ${index}`, image: `https://example.org/${index}.jpg`, score: 25, cosine: 0.25 },
  });
  expect(await engine.batches.judgement(tenant, id)).toEqual({
    sample,
    edges: [0, 20.5],
    pairs: [{ ...pair(3), label: 'wrong' }, { ...pair(0), label: 'right' }, pair(2)],
  });
  const removed = [{ index: 3, label: null }];
  expect(await engine.batches.setLabels(tenant, id, { sample, labels: removed })).toMatchObject({ wrong: 0, open: 2 });
});

test('a sample keeps the threshold around which it was taken', async () => {
  const id = await postJudged();
  await engine.batches.startSample(tenant, id, { threshold: 20.5, edges: [0, 20.5], indexes: [1] });
  expect(await engine.batches.judgement(tenant, id)).toMatchObject({ threshold: 20.5 });
});

test('a pair whose image was sent as a file has its path', async () => {
  const image = { base64: 'AAAA', path: 'photos/a.jpg' };
  const { id } = await engine.postItems(itemsOfList([{ image, text: 'a cat' }], 'lenient'));
  await engine.commit(id, 0, succeeded(0, 1));
  await start(id, [0]);
  expect((await engine.batches.judgement(tenant, id)).pairs).toMatchObject([{ image: null, imagePath: image.path }]);
});

test('two people who judge at once keep the labels of each other', async () => {
  const id = await postJudged();
  const sample = await start(id, [0, 1, 2, 3]);
  await Promise.all([
    engine.batches.setLabels(tenant, id, { sample, labels: [right(0)] }),
    engine.batches.setLabels(tenant, id, { sample, labels: [wrong(3)] }),
    engine.batches.setLabels(tenant, id, { sample, labels: [right(1)] }),
  ]);
  expect(await labelsOf(id)).toEqual([
    [0, 'right'],
    [1, 'right'],
    [2, undefined],
    [3, 'wrong'],
  ]);
});

test('a label for a sample that was replaced or deleted is refused, and changes nothing', async () => {
  const id = await postJudged();
  const former = await start(id, [0, 1]);
  const sample = await start(id, [1, 2]);
  const late = { sample: former, labels: [right(1)] };
  await expect(engine.batches.setLabels(tenant, id, late)).rejects.toMatchObject({ code: 'batch.other_sample' });
  expect(await labelsOf(id)).toEqual([
    [1, undefined],
    [2, undefined],
  ]);
  await expect(engine.batches.deleteSample(tenant, id, former)).rejects.toMatchObject({ code: 'batch.other_sample' });
  await engine.batches.deleteSample(tenant, id, sample);
  await engine.batches.deleteSample(tenant, id, sample);
  await expect(engine.batches.setLabels(tenant, id, { ...late, sample })).rejects.toMatchObject({
    code: 'batch.other_sample',
  });
  expect(await engine.redis.exists(batchKeys(engine.redis, id).judgement)).toBe(0);
});

test('a sample that another person has begun meanwhile is replaced only by a request that names it', async () => {
  const id = await postJudged();
  const sample = await start(id, [0], null);
  for (const replaces of [null, 'another']) {
    await expect(start(id, [1], replaces)).rejects.toMatchObject({ code: 'batch.other_sample' });
  }
  expect(await labelsOf(id)).toEqual([[0, undefined]]);
  await start(id, [1], sample);
  expect(await labelsOf(id)).toEqual([[1, undefined]]);
});

test('pairs without a score and labels outside the sample are refused with their place', async () => {
  const id = await postJudged();
  for (const [indexes, path] of [
    [[0, 5], 'indexes[1]'],
    [[8], 'indexes[0]'],
  ] as const) {
    await expect(start(id, [...indexes])).rejects.toMatchObject({ code: 'request.invalid', faults: [{ path }] });
  }
  const sample = await start(id, [0, 1]);
  const labels = [right(0), right(2)];
  await expect(engine.batches.setLabels(tenant, id, { sample, labels })).rejects.toMatchObject({
    code: 'request.invalid',
    faults: [{ path: 'labels[1].index' }],
  });
  // Neither of the two labels is set.
  expect(await labelsOf(id)).toEqual([
    [0, undefined],
    [1, undefined],
  ]);
});

test('another tenant finds no batch to judge', async () => {
  const id = await postJudged();
  const sample = await start(id, [0]);
  const missing = { code: 'batch.not_found' };
  await expect(engine.batches.judgement('other', id)).rejects.toMatchObject(missing);
  await expect(engine.batches.startSample('other', id, { edges: [], indexes: [1] })).rejects.toMatchObject(missing);
  await expect(engine.batches.setLabels('other', id, { sample, labels: [right(0)] })).rejects.toMatchObject(missing);
  await expect(engine.batches.deleteSample('other', id)).rejects.toMatchObject(missing);
  expect(await labelsOf(id)).toEqual([[0, undefined]]);
});

test('a sample is deleted with its batch, by a request or after the retention, and cannot return', async () => {
  const [deleted, expired] = [await postJudged(), await postJudged()];
  const sample = await start(deleted, [0]);
  await start(expired, [0]);
  await engine.batches.remove(tenant, deleted);
  expect(await engine.keys(`*{${deleted}}*`)).toEqual([]);

  // A longer retention also extends the life of the sample.
  await engine.batches.change(tenant, expired, { retentionHours: 48 });
  await engine.sweeper.sweep();
  expect(await labelsOf(expired)).toEqual([[0, undefined]]);
  await engine.redis.zadd(finishedBatches(engine.redis), 1, expired);
  await engine.sweeper.sweep();
  expect(await engine.keys(`*{${expired}}*`)).toEqual([]);

  // As a request that read the batch before its deletion.
  expect(await setLabels(engine.redis, deleted, { sample, labels: [right(0)] })).toBe('gone');
  expect(await startSample(engine.redis, deleted, { sample, edges: [], indexes: [0] })).toBe('gone');
  expect(await engine.keys(`*{${deleted}}*`)).toEqual([]);
});

test('a sample of 1,000 pairs is stored, labelled at once and read', async () => {
  const id = await engine.post(1_000);
  for (let chunk = 0, first = 0; first < 1_000; chunk++) {
    const count = Math.min(itemsOfChunk(chunk), 1_000 - first);
    await engine.commit(id, chunk, succeeded(first, count));
    first += count;
  }
  const indexes = Array.from({ length: 1_000 }, (_, at) => 999 - at);
  const sample = await start(id, indexes);
  const counts = await engine.batches.setLabels(tenant, id, { sample, labels: indexes.map(right) });
  expect(counts).toMatchObject({ right: 1_000, open: 0 });
  expect((await labelsOf(id)).map(([index]) => index)).toEqual(indexes);
});
