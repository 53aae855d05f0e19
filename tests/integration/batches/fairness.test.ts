import { afterEach, beforeEach, expect, test } from 'vitest';
import { infoNumber } from '../../../shared/redis/info.ts';
import { batchKeys, dispatchOrder, turnKeys } from '../../../shared/redis/keys.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { type Engine, startEngine } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine.close());

/** Takes jobs in BullMQ's order, as a worker with one place would; what each was for. */
async function take(count: number): Promise<{ tenant: string; batchId: string; chunk: number }[]> {
  const queue = engine.queues.all().find(({ name }) => name === 'evaluate-compact');
  if (queue === undefined) throw new Error('The queue is not there');
  const taken = [];
  for (let at = 0; at < count; at++) {
    const [job] = await queue.getJobs(['prioritized'], 0, 0, true);
    if (job === undefined) break;
    const { tenant, batchId, chunk } = job.data;
    taken.push({ tenant, batchId, chunk });
    await job.remove();
    await engine.chunks.pick(engine.job(batchId, chunk, tenant), 'compact');
  }
  return taken;
}

/** Items of 300 chunks: more than any test takes. */
const large = 4 * 32 + 64 * 268;

test('a 4-chunk batch behind two 300-chunk batches of another tenant is the next to be taken', async () => {
  await engine.post(large, { tenant: 'large' });
  await engine.post(large, { tenant: 'large' });
  await take(10);
  const small = await engine.post(16, { tenant: 'small' });
  const next = await take(8);
  expect(next.filter(({ batchId }) => batchId === small).map(({ chunk }) => chunk)).toEqual([0, 1, 2, 3]);
  expect(next[0]?.batchId).toBe(small);
  // Within its share: a tenant of small batches does not wait for the other's 3,000 chunks.
  expect(next.findLastIndex(({ batchId }) => batchId === small)).toBeLessThan(8);
});

test('a tenant that loops small batches does not starve a large one', async () => {
  await engine.post(large, { tenant: 'large' });
  await take(40);
  let ofLarge = 0;
  for (let round = 0; round < 20; round++) {
    await engine.post(16, { tenant: 'looping' });
    ofLarge += (await take(6)).filter(({ tenant }) => tenant === 'large').length;
  }
  // Small chunks cost a sixteenth of large ones: the large batch is owed at least one in sixteen of the other's units.
  expect(ofLarge).toBeGreaterThanOrEqual((20 * 4) / 16);
  expect(ofLarge).toBeGreaterThan(0);
});

test('a tenant without competition is served in order', async () => {
  const id = await engine.post(4 * 32 + 64 * 20);
  const taken = await take(52);
  expect(taken).toEqual(Array.from({ length: 52 }, (_, chunk) => ({ tenant: 'default', batchId: id, chunk })));
});

test('a batch of higher priority goes before the undispatched batches of its own tenant, without effect on other tenants', async () => {
  const low = await engine.post(large);
  const high = await engine.post(4 * 32 + 64 * 8, { options: { priority: 5 } });
  // The chunks in the window of the lower batch are served; its other chunks wait until the higher batch is dispatched.
  const taken = await take(32 + 40);
  const lastOfHigh = taken.findLastIndex(({ batchId }) => batchId === high);
  expect(taken.slice(0, lastOfHigh + 1).filter(({ batchId }) => batchId === low)).toHaveLength(32);
  expect(taken.filter(({ batchId }) => batchId === high)).toHaveLength(40);
  const next = await take(8);
  expect(next.every(({ batchId }) => batchId === low)).toBe(true);
});

test('a held batch continues when the batch before it is cancelled', async () => {
  const low = await engine.post(large);
  const high = await engine.post(large, { options: { priority: 5 } });
  await engine.batches.cancel('default', high);
  const taken = await take(64);
  expect(taken.every(({ batchId }) => batchId === low)).toBe(true);
  expect(taken).toHaveLength(64);
  expect(await engine.redis.zrange(dispatchOrder(engine.redis, 'compact', 'default'), 0, '-1')).toEqual([low]);
});

test('priorities stay inside what BullMQ can order after any number of turns', async () => {
  const { turns, prioritized } = turnKeys(engine.redis, 'compact');
  const first = await engine.post(large, { tenant: 'a' });
  // As after a million units of service.
  await engine.redis.hset(turns, 'V', 3_000_000, 'base', 0, 'finish:a', 3_000_500);
  const second = await engine.post(large, { tenant: 'b' });
  const scores = (await engine.redis.zrange(prioritized, 0, '-1', 'WITHSCORES')).filter((_, at) => at % 2 === 1);
  for (const score of scores) expect(Number(score) / 2 ** 32).toBeLessThan(2 ** 21);
  const taken = await take(66);
  expect(new Set(taken.map(({ batchId }) => batchId))).toEqual(new Set([first, second]));
});

test('cancelling 100,000 chunks takes its 32 waiting jobs, and less than 50 ms of the CPU time of Redis', async () => {
  const id = await engine.post(16);
  // A batch of that length, without the payloads that play no part in cancelling.
  await engine.redis.hset(batchKeys(engine.redis, id).batch, 'total', 6_400_000, 'chunks', 100_000, 'cursor', 4);
  await engine.sweeper.sweep();
  expect(await engine.redis.scard(batchKeys(engine.redis, id).waiting)).toBe(32);
  // CPU time: on a busy machine, Redis waits for the processor in the middle of a script.
  const cpuMs = async () => {
    const infos = await askMasters(engine.redis, (master) => master.info('cpu'));
    const names = ['used_cpu_user_main_thread', 'used_cpu_sys_main_thread'];
    return 1_000 * infos.reduce((sum, info) => sum + names.reduce((one, name) => one + infoNumber(info, name), 0), 0);
  };
  const before = await cpuMs();
  expect(before).toBeGreaterThan(0);
  const status = await engine.batches.cancel('default', id);
  expect(status).toMatchObject({ state: 'cancelled', items: { cancelled: 6_400_000, pending: 0 } });
  expect((await cpuMs()) - before).toBeLessThan(50);
  const queue = engine.queues.all().find(({ name }) => name === 'evaluate-compact');
  expect(await queue?.getJobCountByTypes('prioritized', 'waiting', 'active')).toBe(0);
});

test('a tenant of twice the weight is served twice as much', async () => {
  await engine.post(large, { tenant: 'heavy', limits: { queuedItems: 0, weight: 2 } });
  await engine.post(large, { tenant: 'light', limits: { queuedItems: 0, weight: 1 } });
  // The first chunks of each are small; from there on all cost the same.
  await take(100);
  const taken = await take(90);
  expect(taken.every(({ chunk }) => chunk >= 32)).toBe(true);
  const ofHeavy = taken.filter(({ tenant }) => tenant === 'heavy').length;
  expect(ofHeavy).toBeGreaterThanOrEqual(58);
  expect(ofHeavy).toBeLessThanOrEqual(62);
});
