import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchKeys, finishedBatches, liveBatches } from '../../../shared/redis/keys.ts';
import { type Engine, failed, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const allResults = async (id: string) => {
  const results = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await engine.batches.results(tenant, id, { limit: 5, ...(cursor !== undefined && { cursor }) });
    results.push(...page.results);
    if (page.next === null) return results;
    cursor = page.next;
  }
};

test('cancelling keeps the outcomes there are and counts the rest cancelled', async () => {
  const id = await engine.post(20);
  await engine.commit(id, 1, succeeded(4, 4));
  const status = await engine.batches.cancel(tenant, id);
  expect(status).toMatchObject({ state: 'cancelled', items: { succeeded: 4, failed: 0, cancelled: 16, pending: 0 } });
  expect(await engine.redis.zscore(liveBatches(engine.redis), id)).toBeNull();
  expect(await engine.queues.jobState('compact', id, 0)).toBe('absent');
  const results = await allResults(id);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(results.filter((result) => result.status === 'cancelled')).toHaveLength(16);
});

test('whichever of commit and cancel comes first, nothing is counted twice', async () => {
  for (let round = 0; round < 20; round++) {
    const id = await engine.post(8);
    await Promise.all([
      engine.commit(id, 0, succeeded(0, 4)),
      engine.batches.cancel(tenant, id),
      engine.commit(id, 1, failed(4, 4)),
    ]);
    const { state, items } = await engine.batches.status(tenant, id);
    expect(items.succeeded + items.failed + items.cancelled).toBe(8);
    expect(['cancelled', 'completed_with_errors']).toContain(state);
    expect([0, 4]).toContain(items.succeeded);
    expect([0, 4]).toContain(items.failed);
  }
});

test('a reader in the middle of a cancelled batch also gets what was committed late', async () => {
  const id = await engine.post(16);
  await engine.commit(id, 0, succeeded(0, 4));
  await engine.batches.cancel(tenant, id);
  const first = await engine.batches.results(tenant, id, { limit: 6 });
  await engine.commit(id, 3, succeeded(12, 4));
  const rest = await engine.batches.results(tenant, id, { limit: 100, cursor: first.next ?? '' });
  const indexes = [...first.results, ...rest.results].map(({ index }) => index);
  expect(indexes.sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, at) => at));
});

test('cancelling a batch that has ended leaves it as it is', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, succeeded(0, 4));
  expect(await engine.batches.cancel(tenant, id)).toMatchObject({ state: 'completed', items: { succeeded: 4 } });
});

test('a worker that picks a chunk of a cancelled batch gets the verdict to stop', async () => {
  const id = await engine.post(8);
  await engine.batches.cancel(tenant, id);
  expect(await engine.chunks.pick(engine.job(id, 1), 'compact')).toEqual({ verdict: 'stopped' });
});

test('a live batch that is deleted leaves no trace, and a commit does not bring it back', async () => {
  const id = await engine.post(300);
  await engine.chunks.pick(engine.job(id, 0), 'compact');
  await engine.batches.remove(tenant, id);
  expect(await engine.commit(id, 0, succeeded(0, 4))).toEqual({ verdict: 'gone' });
  expect(await engine.chunks.pick(engine.job(id, 1), 'compact')).toEqual({ verdict: 'gone' });
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
  expect(await engine.redis.zscore(finishedBatches(engine.redis), id)).toBeNull();
  await expect(engine.batches.status(tenant, id)).rejects.toMatchObject({ code: 'batch.not_found' });
  await engine.sweeper.sweep();
  expect(await engine.keys(`vls:{${id}}*`)).toEqual([]);
});

test('another tenant can neither cancel, retry nor delete a batch', async () => {
  const id = await engine.post(4);
  for (const act of [engine.batches.cancel, engine.batches.retry, engine.batches.remove, engine.batches.summary]) {
    await expect(act('other', id)).rejects.toMatchObject({ code: 'batch.not_found' });
  }
  expect((await engine.batches.list('other', { limit: 50 })).batches).toEqual([]);
});

test('a retry evaluates the failed items alone, and parent and child name each other', async () => {
  const id = await engine.post(8);
  await engine.commit(id, 0, [...succeeded(0, 2), ...failed(2, 2)]);
  await engine.commit(id, 1, [...failed(4, 1), ...succeeded(5, 3)]);
  const child = await engine.batches.retry(tenant, id);
  expect(child).toMatchObject({
    ...{ retryOf: id, retryStatus: ['failed'], items: { total: 3 }, model: 'm', revision: '1' },
  });
  expect(await engine.batches.status(tenant, id)).toMatchObject({ retriedBy: child.id });
  const picked = await engine.chunks.pick(engine.job(child.id, 0), 'compact');
  expect(picked).toMatchObject({
    input: { items: [2, 3, 4].map((index) => ({ image: `https://example.org/${index}.jpg`, retryOfIndex: index })) },
  });
});

test('the results of a retry as CSV have the index in its batch; those of its batch and of its rescore do not', async () => {
  const rowsOf = async (id: string): Promise<Record<string, string>[]> => {
    let csv = '';
    for await (const part of await engine.batches.stream(tenant, id, 'csv', { formulas: 'keep' })) csv += part;
    return parse(csv, { columns: true });
  };
  const id = await engine.post(4);
  await engine.commit(id, 0, [...succeeded(0, 2), ...failed(2, 2)]);
  const retried = await engine.batches.retry(tenant, id);
  await engine.batches.cancel(tenant, retried.id);
  expect((await rowsOf(retried.id)).map((row) => row['retry_of_index'])).toEqual(['2', '3']);
  const rescored = await engine.batches.rescore(tenant, retried.id, {});
  await engine.batches.cancel(tenant, rescored.id);
  for (const other of [id, rescored.id]) {
    const rows = await rowsOf(other);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows[0]).not.toHaveProperty('retry_of_index');
  }
});

test('three retries at once with one Idempotency-Key make one batch, and the key leads to it from then on', async () => {
  const id = await engine.post(4);
  await engine.commit(id, 0, [...succeeded(0, 2), ...failed(2, 2)]);
  const retry = () => engine.batches.retry(tenant, id, { idempotencyKey: 'once' });
  const outcomes = await Promise.allSettled([retry(), retry(), retry()]);
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'made'));
  expect(codes.filter((code) => code !== 'idempotency.in_flight')).toContain('made');
  const again = await retry();
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') expect(outcome.value.id).toBe(again.id);
  const { batches } = await engine.batches.list(tenant, { limit: 50 });
  expect(batches.filter(({ retryOf }) => retryOf === id).map((child) => child.id)).toEqual([again.id]);

  const other = await engine.post(4);
  await engine.commit(other, 0, failed(0, 4));
  await expect(engine.batches.retry(tenant, other, { idempotencyKey: 'once' })).rejects.toMatchObject({
    code: 'idempotency.mismatch',
  });
});

test('a batch that runs, has no failures, or has lost its items cannot be retried, and says why', async () => {
  const id = await engine.post(8);
  await expect(engine.batches.retry(tenant, id)).rejects.toMatchObject({ code: 'batch.not_finished' });
  await engine.commit(id, 0, succeeded(0, 4));
  await engine.commit(id, 1, succeeded(4, 4));
  await expect(engine.batches.retry(tenant, id)).rejects.toMatchObject({ code: 'batch.nothing_to_retry' });
  const other = await engine.post(4);
  await engine.commit(other, 0, failed(0, 4));
  await engine.redis.del(batchKeys(engine.redis, other).input(0));
  await expect(engine.batches.retry(tenant, other)).rejects.toMatchObject({ code: 'batch.input_expired' });
});

test('a failure budget by count stops the batch with the reason', async () => {
  const id = await engine.post(40, { options: { budgetCount: 5, budgetAfter: 0 } });
  expect(await engine.commit(id, 0, failed(0, 4))).toMatchObject({ state: 'queued' });
  expect(await engine.commit(id, 1, failed(4, 4))).toMatchObject({ state: 'failed' });
  expect(await engine.batches.status(tenant, id)).toMatchObject({
    state: 'failed',
    reason: 'failure_budget',
    items: { total: 40, succeeded: 0, failed: 8, cancelled: 32, pending: 0 },
  });
});

test('a failure budget by share waits for its minimum of items', async () => {
  const id = await engine.post(40, { options: { budgetShare: 0.5, budgetAfter: 10 } });
  expect(await engine.commit(id, 0, failed(0, 4))).toMatchObject({ state: 'queued' });
  expect(await engine.commit(id, 1, failed(4, 4))).toMatchObject({ state: 'queued' });
  expect(await engine.commit(id, 2, failed(8, 4))).toMatchObject({ state: 'failed' });
});

test('a list shows the latest first, by pages and by state', async () => {
  const owner = 'lister';
  const ids = [];
  for (let at = 0; at < 5; at++) ids.unshift(await engine.post(4, { tenant: owner }));
  await engine.batches.cancel(owner, ids[2] ?? '');
  const seen = [];
  let cursor: string | undefined;
  do {
    const page = await engine.batches.list(owner, { limit: 2, ...(cursor !== undefined && { cursor }) });
    seen.push(...page.batches.map(({ id }) => id));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(ids);
  const cancelled = await engine.batches.list(owner, { limit: 50, state: ['cancelled'] });
  expect(cancelled.batches.map(({ id }) => id)).toEqual([ids[2]]);
});

test('the summary has the mean, the histogram and the fifty lowest and highest items', async () => {
  const count = 4 * 32 + 64 * 2;
  const id = await engine.post(count);
  const cosineAt = (index: number) => Number((-0.2 + (0.8 * ((index * 89) % count)) / count).toFixed(6));
  for (let chunk = 0, offset = 0; offset < count; chunk++) {
    const picked = await engine.chunks.pick(engine.job(id, chunk), 'compact');
    if (picked.verdict !== 'run') throw new Error(picked.verdict);
    const results = succeeded(offset, picked.input.items.length).map((result) => {
      const cosine = cosineAt(result.index);
      return { ...result, cosine, score: 100 * Math.max(0, cosine) };
    });
    await engine.chunks.commit(engine.job(id, chunk), picked.input, results, picked.edges);
    offset += results.length;
  }
  const summary = await engine.batches.summary(tenant, id);
  const cosines = Array.from({ length: count }, (_, index) => cosineAt(index)).sort((a, b) => a - b);
  expect(summary.mean?.cosine).toBeCloseTo(cosines.reduce((a, b) => a + b) / count, 5);
  expect(summary.mean?.score).toBeCloseTo(
    cosines.reduce((sum, cosine) => sum + 100 * Math.max(0, cosine), 0) / count,
    3,
  );
  expect(summary.histogram.reduce((sum, bin) => sum + bin.count, 0)).toBe(count);
  expect(summary.histogram[0]).toMatchObject({ from: -0.2, to: -0.1975 });
  const [below = 0, above = 0] = cosines.slice(count / 2 - 1);
  expect(summary.percentiles.find(({ percent }) => percent === 50)?.cosine).toBeCloseTo((below + above) / 2, 5);
  expect(summary.lowest.map(({ cosine }) => cosine)).toEqual(cosines.slice(0, 50));
  expect(summary.highest.map(({ cosine }) => cosine)).toEqual(cosines.slice(-50).reverse());
  expect(summary.lowest[0]).toMatchObject({
    image: expect.stringContaining('https://example.org/'),
    text: expect.stringContaining('text '),
  });
});
