import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSpeed } from '../../../batches/metrics/speed.ts';
import { itemsOfList } from '../../../formats/items.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import type { Reading } from '../../../shared/telemetry/readings.ts';
import { until } from '../../../testing/until.ts';
import { type Engine, failed, item, pinned, sourceOf, startEngine, succeeded } from '../../support/engine.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(async () => {
  await engine.close();
});

const readOf = (readings: readonly Reading[], name: Reading['name'], labels: object) =>
  readings.find((reading) => reading.name === name && JSON.stringify(reading.labels) === JSON.stringify(labels))?.value;
const queue = 'compact';
const backlog = async (profile = queue) => {
  const readings = await engine.readings();
  return {
    pending: readOf(readings, 'vls_items_pending', { queue, profile }),
    seconds: readOf(readings, 'vls_backlog_seconds', { queue }),
    queued: readOf(readings, 'vls_queue_chunks', { queue, state: 'waiting' }),
    batches: readOf(readings, 'vls_batches', { queue, profile, state: 'queued' }),
    age: readOf(readings, 'vls_batch_oldest_age_seconds', { queue, profile }),
  };
};

test('without any worker the backlog is as many seconds as items wait, and nothing when none does', async () => {
  expect(await backlog()).toEqual({ pending: 0, seconds: 0, queued: 0, batches: 0, age: 0 });
  await engine.post(10);
  await engine.post(5);
  const waiting = await backlog();
  expect(waiting).toMatchObject({ pending: 15, seconds: 15, queued: 5, batches: 2 });
  expect(waiting.age).toBeGreaterThanOrEqual(0);
});

test('with workers the backlog is what waits over what they commit', async () => {
  const id = await engine.post(12);
  await engine.chunks.pick(engine.job(id, 0), queue);
  await engine.commit(id, 0, succeeded(0, 4));
  engine.speed.add(queue, 4_000_000);
  // The count is written after Redis has told the time.
  const { readings, speed } = await until(async () => {
    const readings = await engine.readings();
    const speed = readOf(readings, 'vls_items_per_second', { queue }) ?? 0;
    expect(speed).toBeGreaterThan(4_000_000 / 60);
    return { readings, speed };
  });
  expect(readOf(readings, 'vls_items_pending', { queue, profile: queue })).toBe(8);
  expect(readOf(readings, 'vls_backlog_seconds', { queue })).toBe(8 / speed);
});

test('an ended or cancelled batch does not count as backlog', async () => {
  const [ended, cancelled] = [await engine.post(4), await engine.post(40)];
  await engine.chunks.pick(engine.job(ended, 0), queue);
  await engine.commit(ended, 0, succeeded(0, 4));
  await engine.batches.cancel('default', cancelled);
  expect(await backlog()).toMatchObject({ pending: 0, seconds: 0, batches: 0 });
});

test('items count as posted once their batch is accepted, those of a retry again, and a repeated request not', async () => {
  const id = await engine.post(6);
  await engine.chunks.pick(engine.job(id, 0), queue);
  await engine.chunks.pick(engine.job(id, 1), queue);
  await engine.commit(id, 0, failed(0, 4));
  await engine.commit(id, 1, succeeded(4, 2));
  await engine.batches.retry('default', id);
  for (let time = 0; time < 2; time++) {
    const items = sourceOf(itemsOfList([item(0), item(1), item(2)], 'lenient'), 'h');
    const idempotencyKey = 'the same';
    await engine.batches.post({ tenant: 'default', pinned, options: {}, items, idempotencyKey });
  }
  await expect(engine.postItems(itemsOfList([], 'lenient'))).rejects.toThrow('no items');
  const labels = { queue, profile: queue };
  expect(engine.posted).toEqual([
    [labels, 6],
    [labels, 4],
    [labels, 3],
  ]);
});

test('a batch posted by the name of a model is counted under that name, and so is its retry', async () => {
  await engine.post(5);
  const items = sourceOf(itemsOfList([item(0), item(1), item(2)], 'lenient'));
  const byModel = { ...pinned, postedName: 'm' };
  const posting = { tenant: 'default', pinned: byModel, options: {}, items };
  const { id } = await engine.batches.post(posting);
  expect(await backlog()).toMatchObject({ pending: 5, seconds: 8, batches: 1 });
  expect(await backlog('m')).toMatchObject({ pending: 3, seconds: 8, batches: 1 });

  await engine.chunks.pick(engine.job(id, 0), queue);
  await engine.commit(id, 0, failed(0, 3));
  await engine.batches.retry('default', id);
  expect(await backlog('m')).toMatchObject({ pending: 3, batches: 1 });
  expect(engine.posted).toEqual([
    [{ queue, profile: queue }, 5],
    [{ queue, profile: 'm' }, 3],
    [{ queue, profile: 'm' }, 3],
  ]);
});

test('the speed shows at once that workers have come, keeps slow ones in sight, and forgets what is a minute old', async () => {
  let now = 1_700_000_005_000;
  const speed = createSpeed(engine.redis, () => now);
  const read = async () => (await speed.read([queue])).get(queue) ?? Number.NaN;
  expect(await read()).toBe(0);
  speed.add(queue, 300);
  // Five seconds into its slot, over the last fifteen.
  expect(await read()).toBe(20);
  now += 30_000;
  expect(await read()).toBe(300 / 55);
  now += 30_000;
  expect(await read()).toBe(0);
});

test('while Redis is away a scrape has everything but what is read from it', async () => {
  const metrics = createMetrics();
  metrics.onScrape({ read: engine.readings });
  expect(await metrics.text()).toContain('vls_backlog_seconds');
  engine.redis.disconnect();
  const text = await metrics.text();
  expect(text).not.toContain('vls_backlog_seconds');
  expect(text).toContain('vls_build_info');
});
