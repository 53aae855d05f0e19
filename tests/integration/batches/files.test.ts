import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyTenant, fileExpiries } from '../../../shared/redis/keys.ts';
import { bucket, startS3 } from '../../../testing/s3/server.ts';
import { type Engine, startEngine, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const facts = () => ({ name: 'lines.jsonl', lifeMs: undefined });
async function* parts(...given: Buffer[]) {
  yield* given;
}
const store = (owner: string, ...given: Buffer[]) =>
  engine.files.store({ tenant: owner, bytes: parts(...given), sharesMemory: true, facts });
/** Keys of Redis that name a file. */
const keysOf = (id: string) => engine.keys(`*${id}*`);

test('a file comes back byte for byte, in pieces of one mebibyte', async () => {
  const sent = [randomBytes(700_000), Buffer.alloc(0), randomBytes(2_500_000), Buffer.from('end')];
  const file = await store(tenant, ...sent);
  expect(file).toMatchObject({ tenant, name: 'lines.jsonl', bytes: 3_200_003, pieces: 4 });
  const read: Buffer[] = [];
  for await (const piece of engine.files.read(file)) read.push(piece);
  expect(Buffer.concat(read).equals(Buffer.concat(sent))).toBe(true);
  expect(await engine.files.find(tenant, file.id)).toEqual(file);
});

test('a tenant neither finds nor lists nor deletes the files of another', async () => {
  const [own, other] = [await store('acme', Buffer.from('a')), await store('umbrella', Buffer.from('b'))];
  for (const call of [engine.files.find('acme', other.id), engine.files.remove('acme', other.id)]) {
    await expect(call).rejects.toMatchObject({ code: 'file.not_found' });
  }
  await expect(engine.files.find('acme', '../etc')).rejects.toMatchObject({ code: 'file.not_found' });
  expect(await engine.files.list('acme', { limit: 10 })).toEqual([[own], false]);
  const [latest, more] = await engine.files.list(everyTenant, { limit: 1 });
  expect([latest, more]).toEqual([[other], true]);
  const [next] = await engine.files.list(everyTenant, { limit: 1, after: other.id });
  expect(next).toEqual([own]);
});

test('a refused or broken upload leaves nothing', async () => {
  const before = await engine.redis.zcard(fileExpiries(engine.redis));
  async function* broken() {
    yield randomBytes(1_100_000);
    throw new Error('The connection ended');
  }
  const upload = { tenant, sharesMemory: true, facts };
  await expect(engine.files.store({ ...upload, bytes: broken() })).rejects.toThrow('The connection ended');
  const refuse = () => {
    throw new Error('No such purpose');
  };
  await expect(engine.files.store({ ...upload, bytes: parts(Buffer.from('a')), facts: refuse })).rejects.toThrow(
    'No such purpose',
  );
  expect(await engine.redis.zcard(fileExpiries(engine.redis))).toBe(before);
});

test('the sweeper deletes a file when its time is over, and keeps its claim until then', async () => {
  const kept = await store(tenant, Buffer.from('kept'));
  const over = await store(tenant, Buffer.from('over'));
  await engine.redis.zadd(fileExpiries(engine.redis), 1, over.id);
  await engine.sweeper.sweep();
  expect(await keysOf(over.id)).toEqual([]);
  expect((await engine.files.list(tenant, { limit: 100 }))[0].map(({ id }) => id)).not.toContain(over.id);
  await expect(engine.files.find(tenant, over.id)).rejects.toMatchObject({ code: 'file.not_found' });
  expect(await engine.files.find(tenant, kept.id)).toEqual(kept);
  // The amounts of files without keys are released in the same round.
  const claims = await engine.keys('*stored:bytes');
  const claimed = Object.keys(await engine.redis.hgetall(claims[0] ?? ''));
  expect(claimed).toContain(kept.id);
  expect(claimed).not.toContain(over.id);
});

test('the pieces of a file lie in the bucket of payloads, and leave it with the file', async () => {
  const s3 = await startS3();
  Object.assign(process.env, s3.env);
  const payloads = [{ bucket, key: 'payloads/' }];
  const other = await startEngine(1, 0, { payloads, s3Endpoint: s3.env['S3_ENDPOINT'] });
  try {
    const sent = randomBytes(1_500_000);
    const file = await other.files.store({ tenant, bytes: parts(sent), sharesMemory: true, facts });
    expect(await s3.keys(`payloads/${file.id}/`)).toHaveLength(2);
    const read: Buffer[] = [];
    for await (const piece of other.files.read(file)) read.push(piece);
    expect(Buffer.concat(read).equals(sent)).toBe(true);
    await other.files.remove(tenant, file.id);
    expect(await s3.keys(`payloads/${file.id}/`)).toEqual([]);
    expect(await other.keys(`*${file.id}*`)).toEqual([]);
  } finally {
    await other.close();
    await s3.remove();
  }
});
