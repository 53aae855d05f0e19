import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeEmbeddings } from '../../../batches/store/embeddings.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { bucket, startS3, type TestS3 } from '../../../testing/s3/server.ts';
import { type Engine, failed, item, startEngine, succeeded, tenant } from '../../support/engine.ts';
import { readNpy } from '../../support/npy.ts';

let s3: TestS3;
let inBucket: Engine;
let inRedis: Engine;
beforeAll(async () => {
  s3 = await startS3();
  // The variables that the SDK reads.
  Object.assign(process.env, s3.env);
  const payloads = [{ bucket, key: 'payloads' }];
  [inBucket, inRedis] = await Promise.all([
    startEngine(1, 0, { payloads, s3Endpoint: s3.env['S3_ENDPOINT'] }),
    startEngine(),
  ]);
});
afterAll(async () => {
  await Promise.all([inBucket.close(), inRedis.close()]);
  await s3.remove();
});

const keeps = { embeddings: 'both', embeddingPrecision: 'float32', dimensions: 2 } as const;
/** Commits a chunk of so many items, whose embeddings have the numbers `value` and their index. */
async function commit(engine: Engine, id: string, chunk: number, offset: number, count: number, value: number) {
  const results = succeeded(offset, count);
  const rows = results.map(({ index }) => ({
    image: Float32Array.of(value, index),
    text: Float32Array.of(-value, index),
  }));
  const input = { offset, items: results.map(({ index }) => item(index)) };
  return await engine.chunks.commit(engine.job(id, chunk), input, results, undefined, encodeEmbeddings(keeps, rows));
}
async function rowsOf(engine: Engine, id: string) {
  const { parts, bytes } = await engine.batches.embeddings(tenant, id, { kind: 'image' });
  const read: Buffer[] = [];
  for await (const part of parts) read.push(Buffer.from(part as Uint8Array));
  const file = Buffer.concat(read);
  expect(file.length).toBe(bytes);
  const array = readNpy(file);
  return Array.from({ length: array.rows }, (_, at) => array.row(at));
}

test.each(['bucket', 'Redis'])(
  'a chunk that two workers commit has its rows once, with payloads in %s',
  async (place) => {
    const engine = place === 'bucket' ? inBucket : inRedis;
    const id = await engine.post(10, { options: keeps });
    expect((await engine.batches.status(tenant, id)).embeddings).toEqual({
      ...{ of: 'both', precision: 'float32', dimensions: 2, bytes: 10 * 2 * 2 * 4 },
    });
    for (const chunk of [0, 1, 2]) await engine.chunks.pick(engine.job(id, chunk), 'compact');
    // The last chunk is committed first. A worker is killed after it has written the rows of chunk 0 and before their
    // commit: its rows are not counted, and another worker commits the chunk.
    await commit(engine, id, 2, 8, 2, 3);
    const lost = await engine.redis.hgetBuffer(batchKeys(engine.redis, id).embeddings('image', 0), '0');
    expect(lost).toBeNull();
    expect(await commit(engine, id, 0, 0, 4, 1)).toMatchObject({ verdict: 'committed' });
    expect(await commit(engine, id, 0, 0, 4, 99)).toMatchObject({ verdict: 'already' });
    await engine.commit(id, 1, failed(4, 4));
    const absent = [Number.NaN, Number.NaN];
    expect(await rowsOf(engine, id)).toEqual([
      ...[0, 1, 2, 3].map((index) => [1, index]),
      ...[absent, absent, absent, absent],
      ...[
        [3, 8],
        [3, 9],
      ],
    ]);
    if (place === 'bucket') {
      // Each of the two commits of chunk 0 has written a piece of each kind.
      expect((await s3.keys(`payloads/${id}/e/`)).length).toBe(6);
    }
    await engine.batches.remove(tenant, id);
    expect(await engine.keys(`*{${id}}*`)).toEqual([]);
    if (place === 'bucket') expect(await s3.keys(`payloads/${id}/`)).toEqual([]);
    await expect(engine.batches.embeddings(tenant, id, {})).rejects.toMatchObject({ code: 'batch.not_found' });
  },
);

test('items that were cancelled have rows of NaN, and only the tenant of the batch may use its images', async () => {
  const id = await inRedis.post(6, { options: keeps });
  await inRedis.chunks.pick(inRedis.job(id, 1), 'compact');
  await commit(inRedis, id, 1, 4, 2, 7);
  await expect(inRedis.batches.embeddings(tenant, id, { kind: 'text' })).rejects.toMatchObject({
    code: 'batch.not_finished',
  });
  await inRedis.batches.cancel(tenant, id);
  expect((await rowsOf(inRedis, id)).map(([first]) => first)).toEqual([NaN, NaN, NaN, NaN, 7, 7]);

  const { pinned } = await inRedis.batches.imagesFrom(tenant, id, undefined);
  expect(pinned).toMatchObject({ model: 'm', revision: '1' });
  await expect(inRedis.batches.imagesFrom('another', id, undefined)).rejects.toMatchObject({ code: 'batch.not_found' });
  await expect(inRedis.batches.imagesFrom(tenant, id, { ...pinned, revision: '2' })).rejects.toMatchObject({
    code: 'batch.other_model',
  });
  const stored = await inRedis.storedImages.read(tenant, id, ['5', '0']);
  expect(stored).toMatchObject([Float32Array.of(7, 5), { code: 'image.not_stored' }]);
  expect(await inRedis.storedImages.read('another', id, ['5'])).toMatchObject([{ code: 'image.not_stored' }]);
  await inRedis.batches.remove(tenant, id);
  expect(await inRedis.storedImages.read(tenant, id, ['5'])).toMatchObject([{ code: 'image.not_stored' }]);
});

test('embeddings for which Redis has no room refuse the batch, and one in a bucket is accepted', async () => {
  const options = { ...keeps, dimensions: 2 ** 40 };
  await expect(inRedis.post(3, { options })).rejects.toMatchObject({ code: 'queue.full' });
  expect(await inBucket.post(3, { options })).toMatch(/^[0-9a-f-]{36}$/);
});
