import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReadItem } from '../../../formats/items.ts';
import { itemError } from '../../../shared/errors.ts';
import { type Engine, pinned, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** Ends a batch and returns its items, chunk by chunk, as a worker gets them. */
async function itemsOf(id: string, total: number) {
  const items: ReadItem[] = [];
  for (let chunk = 0; items.length < total; chunk++) {
    const picked = await engine.chunks.pick(engine.job(id, chunk), 'compact');
    if (picked.verdict !== 'run') throw new Error(picked.verdict);
    const { offset, items: some } = picked.input;
    items.push(...some);
    await engine.chunks.commit(engine.job(id, chunk), picked.input, succeeded(offset, some.length));
  }
  return items;
}

const row = (index: number, text = `caption ${index}`): ReadItem => ({
  ...{ id: `S-${index}`, image: `https://example.org/${index}.jpg`, text, metadata: { shop: index % 3 } },
});

test('the items of a batch are scored by another model, each with its own index, and bad items stay in place', async () => {
  const bad: ReadItem = { id: 'bad', error: itemError('item.invalid', 'line 3: not JSON') };
  const posted = [row(0), row(1), bad, row(3), row(4)];
  const { id } = await engine.postItems([posted], { name: 'photos', tags: ['a'] });
  await expect(engine.batches.rescore(tenant, id, {})).rejects.toMatchObject({ code: 'batch.not_finished' });
  await itemsOf(id, posted.length);
  const child = await engine.batches.rescore(tenant, id, { pinned: { ...pinned, model: 'another' } });
  expect(child).toMatchObject({ name: 'photos', tags: ['a'], model: 'another', rescoreOf: id, texts: 'own' });
  expect(await itemsOf(child.id, posted.length)).toEqual(posted);
  expect((await engine.batches.status(tenant, id)).wrongPairs).toBeNull();
  expect(await engine.batches.compare(tenant, id, { other: child.id })).toMatchObject({ compared: 5 });
});

test('each image gets the text of a row with another image and another text, and each text is used once', async () => {
  // Five captions for each image, as COCO has them, in neighbouring rows.
  const posted = Array.from({ length: 300 }, (_, at) => ({ ...row(Math.floor(at / 5)), text: `caption ${at}` }));
  const { id } = await engine.postItems([posted]);
  await itemsOf(id, posted.length);
  const child = await engine.batches.rescore(tenant, id, { texts: 'others', name: 'wrong pairs' });
  expect(child).toMatchObject({ name: 'wrong pairs', rescoreOf: id, texts: 'others' });
  expect((await engine.batches.status(tenant, id)).wrongPairs).toBe(child.id);
  const items = await itemsOf(child.id, posted.length);
  const imageOf = new Map(posted.map(({ text, image }) => [text, image]));
  for (const [at, item] of items.entries()) {
    expect(item).toEqual({ ...posted[at], text: item.text });
    expect(imageOf.get(item.text ?? '')).not.toBe(item.image);
  }
  expect(new Set(items.map(({ text }) => text)).size).toBe(posted.length);
});

test('a row without a text keeps its place, and rows of one image find no wrong text', async () => {
  const posted = [row(0), row(1, ' '), row(2), row(3)];
  const { id } = await engine.postItems([posted]);
  await itemsOf(id, 4);
  const child = await engine.batches.rescore(tenant, id, { texts: 'others' });
  const items = await itemsOf(child.id, 4);
  expect(items[1]).toEqual(posted[1]);
  for (const at of [0, 2, 3]) expect(['caption 0', 'caption 2', 'caption 3']).toContain(items[at]?.text);
  for (const at of [0, 2, 3]) expect(items[at]?.text).not.toBe(posted[at]?.text);

  const same = [row(0, 'one'), row(0, 'two')];
  const alike = await engine.postItems([same]);
  await itemsOf(alike.id, 2);
  const { id: wrong } = await engine.batches.rescore(tenant, alike.id, { texts: 'others' });
  expect((await itemsOf(wrong, 2)).map((item) => 'error' in item && item.error.code)).toEqual(
    Array(2).fill('item.invalid'),
  );
});

test('a sample is spread over the batch, and a key leads to the same batch', async () => {
  const posted = Array.from({ length: 1_000 }, (_, index) => row(index));
  const { id } = await engine.postItems([posted]);
  await itemsOf(id, posted.length);
  const asked = { texts: 'others', sample: 300, idempotencyKey: 'wrong' } as const;
  const child = await engine.batches.rescore(tenant, id, asked);
  expect(child.items.total).toBeGreaterThan(200);
  expect(child.items.total).toBeLessThanOrEqual(300);
  const indexes = (await itemsOf(child.id, child.items.total)).map((item) => Number(item.id?.slice(2)));
  expect(indexes.filter((index) => index >= 500).length).toBeGreaterThan(100);
  expect((await engine.batches.rescore(tenant, id, asked)).id).toBe(child.id);
  await expect(engine.batches.rescore(tenant, id, { ...asked, sample: 5 })).rejects.toMatchObject({
    code: 'idempotency.mismatch',
  });
});
