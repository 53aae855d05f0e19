import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { itemsOfList } from '../../../formats/items.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const base64 = readPhoto('coffee.jpg').toString('base64');
const base64url = readPhoto('coffee.jpg').toString('base64url');
const postRaw = async (images: unknown[]): Promise<string> =>
  (
    await engine.postItems(
      itemsOfList(
        images.map((image) => ({ image, text: 'a cup' })),
        'lenient',
      ),
    )
  ).id;
const imageOf = (id: string, index: number, owner = tenant) => engine.batches.image(owner, id, index);

test('the image of an item is returned as it was posted, before and after its evaluation', async () => {
  const uri = `data:image/jpeg;base64,${base64}`;
  const images = [base64, base64url, uri, { base64 }, { base64: uri }, { base64, path: 'photos/a.jpg' }];
  const id = await postRaw(images);
  const posted = [base64, base64url, uri, base64, uri, base64];
  const read = () => Promise.all(images.map((_, index) => imageOf(id, index)));
  expect(await read()).toEqual(posted);
  await engine.commit(id, 0, succeeded(0, 4));
  expect(await read()).toEqual(posted);
  await engine.commit(id, 1, succeeded(4, 2));
  expect(await read()).toEqual(posted);
});

test('each item of a batch is found, whatever its chunks have in common, and whichever have results', async () => {
  // Chunks of 4 items, then of 64. Images of 30 KB make a chunk of 4 MiB end earlier.
  const large = 'A'.repeat(30_000 * 4);
  const images = Array.from({ length: 500 }, (_, at) => `${at}/${at > 300 ? large : 'A'.repeat(300)}`);
  const id = await postRaw(images);
  const sample = [0, 3, 4, 127, 128, 191, 192, 250, 301, 330, 350, 420, 499];
  const expectAll = async () => {
    for (const index of sample)
      expect([index, (await imageOf(id, index)).split('/')[0]]).toEqual([index, String(index)]);
  };
  await expectAll();
  await engine.commit(id, 32, succeeded(128, 64));
  await engine.commit(id, 1, succeeded(4, 4));
  await expectAll();
  await engine.batches.cancel(tenant, id);
  await expectAll();
});

test('an item without stored bytes says why', async () => {
  const unreadable = { clientError: { code: 'image.file.not_found', message: 'gone' }, image: 'a.jpg', text: 'a cup' };
  const items = [
    'https://example.org/a.jpg',
    { url: 'http://example.org/a.jpg' },
    { file: 'a.jpg' },
    'photos/a.jpg',
    7,
  ];
  const raw = [...items.map((image) => ({ image, text: 'a cup' })), unreadable];
  const { id } = await engine.postItems(itemsOfList(raw, 'lenient'));
  const reasons = [
    /address/,
    /address/,
    /file that the service reads/,
    /neither/,
    /could not be read/,
    /could not be read/,
  ];
  for (const [index, reason] of reasons.entries()) {
    const refusal = { code: 'batch.no_image', message: expect.stringMatching(reason) };
    await expect(imageOf(id, index)).rejects.toMatchObject(refusal);
  }
  const beyond = { code: 'batch.no_image', message: 'The batch has 6 items, so it has no item 6' };
  await expect(imageOf(id, 6)).rejects.toMatchObject(beyond);
});

test('other tenants, a deleted batch and expired items have no images', async () => {
  const [deleted, expired] = [await postRaw([base64]), await postRaw([base64])];
  expect(await imageOf(deleted, 0)).toBe(base64);
  await expect(imageOf(deleted, 0, 'another')).rejects.toMatchObject({ code: 'batch.not_found' });
  await engine.batches.remove(tenant, deleted);
  await expect(imageOf(deleted, 0)).rejects.toMatchObject({ code: 'batch.not_found' });
  await engine.redis.del(batchKeys(engine.redis, expired).input(0));
  await expect(imageOf(expired, 0)).rejects.toMatchObject({ code: 'batch.input_expired' });
});

test('readers of many images of a chunk decode it once', async () => {
  const id = await postRaw([base64, base64, base64, base64]);
  const reads = vi.spyOn(engine.redis, 'hgetBuffer');
  await Promise.all(Array.from({ length: 60 }, (_, at) => imageOf(id, at % 4)));
  await imageOf(id, 0);
  expect(reads).toHaveBeenCalledTimes(1);
  reads.mockRestore();
});
