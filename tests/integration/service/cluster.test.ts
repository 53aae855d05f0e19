import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import { batchKeys, liveBatches } from '../../../shared/redis/keys.ts';
import { connectRedis, type Redis } from '../../../shared/redis.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { captions, type ImageHost, photoNames, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startCluster, type TestCluster } from '../../../testing/redis/cluster.ts';
import type { TestServer } from '../../../testing/redis/server.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

const texts = Object.values(captions);
let cluster: TestCluster;
let host: ImageHost;
let redis: Redis;
let client: Client;
const processes: TestProcess[] = [];

beforeAll(async () => {
  [cluster, host] = await Promise.all([startCluster(), startImageHost()]);
  redis = connectRedis(cluster.url, 'consumer', silentLog());
  const env = {
    REDIS_URL: cluster.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    // Longer than images are held on a busy machine.
    FETCH_TIMEOUT_MS: '120000',
    LOG_LEVEL: 'warn',
  };
  processes.push(...(await Promise.all([startProcess('api', env), startProcess('worker', env)])));
  client = createClient(processes[0]?.url ?? '');
  await until(async () => (await client.call('/health/ready')).status === 200);
});
afterAll(async () => {
  await Promise.all(processes.map((process) => process.stop()));
  redis.disconnect();
  await Promise.all([cluster.remove(), host.close()]);
});

/** People who post pairs and batches all the time, whatever becomes of Redis. */
function startLoad() {
  const singles = new Map<number, number>();
  const refusals: { status: number; code: unknown; retryAfter: string | null }[] = [];
  const posted: { id: string; total: number }[] = [];
  let going = true;
  async function postSingles(): Promise<void> {
    for (let at = 0; going; at++) {
      const { status } = await client.single({ image: host.url(`${photoNames[at % 6]}?s`), text: texts[at % 6] });
      singles.set(status, (singles.get(status) ?? 0) + 1);
      await delay(25);
    }
  }
  /** Returns true while the batch is known and has not ended. */
  async function isRunning(id: string): Promise<boolean> {
    const { status, body } = await client.batch.status(id);
    return status === 200 && body.finishedAt === null;
  }
  async function postBatches(): Promise<void> {
    while (going) {
      // On a slow machine, batches posted without a limit would need longer than the test may take.
      const earlier = posted.at(-5);
      if (earlier !== undefined) await until(async () => !going || !(await isRunning(earlier.id)));
      const total = 20;
      const { status, body, headers } = await post(total);
      if (status === 202) posted.push({ id: body.id, total });
      else refusals.push({ status, code: (body as { code?: unknown }).code, retryAfter: headers.get('retry-after') });
      await delay(50);
    }
  }
  const all = [postSingles(), postBatches()];
  return {
    singles,
    refusals,
    posted,
    async stop() {
      going = false;
      await Promise.all(all);
    },
  };
}

const post = (count: number, firstHeld = count) =>
  client.batch.post(
    Array.from({ length: count }, (_, index) => ({
      image: host.url(`${index < firstHeld ? '' : 'held/'}${photoNames[index % 6]}?${index}`),
      text: texts[index % 6],
    })),
  );

/** Posts a batch whose last items the image host holds: it is running when a server is killed. */
async function postLong(): Promise<{ id: string; total: number }> {
  const total = 150;
  host.hold();
  const { body } = await post(total, 100);
  return { id: body.id, total };
}

/** Every item has one result, no chunk was committed twice, and the counters say the same. */
async function expectEachOnce(id: string, total: number): Promise<void> {
  expect(await client.batch.finished(id)).toMatchObject({
    state: 'completed',
    items: { total, succeeded: total, failed: 0, cancelled: 0, pending: 0 },
  });
  const results = await client.batch.results(id);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...Array(total).keys()]);
  const { batch, log, done } = batchKeys(redis, id);
  const chunks = Number(await redis.hget(batch, 'chunks'));
  expect([await redis.llen(log), await redis.bitcount(done)]).toEqual([chunks, chunks]);
}

async function loseAndRegain(lost: TestServer, long: { id: string; total: number }): Promise<void> {
  const load = startLoad();
  await until(() => load.posted.length > 1);
  await client.batch.until(long.id, ({ items }) => items.succeeded > 30);

  await lost.kill();
  host.release();
  await until(() => load.refusals.length > 3);
  const before = load.singles.get(200) ?? 0;
  await until(() => (load.singles.get(200) ?? 0) > before + 10);
  expect((await client.health()).body).toMatchObject({ status: 'degraded', redis: { status: 'refusing' } });
  expect((await client.call('/metrics')).body).toMatch(/^vls_redis_up 0$/m);

  await lost.start();
  const acknowledged = load.posted.length;
  await until(() => load.posted.length > acknowledged + 1);
  await load.stop();

  expect([...load.singles.keys()]).toEqual([200]);
  for (const refusal of load.refusals) {
    expect(refusal).toMatchObject({ status: 503, code: 'queue.unavailable' });
    expect(Number(refusal.retryAfter)).toBeGreaterThan(0);
  }
  for (const { id, total } of [long, ...load.posted]) await expectEachOnce(id, total);
  // Stored batches that were not acknowledged end too, or were never sealed and are discarded by the sweeper.
  const { body } = await client.call<BatchList>('/v1/evaluation/batch?limit=100');
  for (const { id } of body.batches) await client.batch.finished(id);
  for (const id of await redis.zrange(liveBatches(redis), 0, '-1')) {
    expect([null, 'accepting']).toContain(await redis.hget(batchKeys(redis, id).batch, 'state'));
  }
  await until(async () => /^vls_redis_up 1$/m.test((await client.call<string>('/metrics')).body));
}

test('when the server that holds the queues is killed and comes back, nothing acknowledged is lost and nothing is done twice', async () => {
  await loseAndRegain(await cluster.holderOf(liveBatches(redis)), await postLong());
});

test('after the server of a batch was killed and restarted, the batch continues where it was', async () => {
  const queues = await cluster.holderOf(liveBatches(redis));
  for (;;) {
    const long = await postLong();
    const holder = await cluster.holderOf(batchKeys(redis, long.id).batch);
    if (holder !== queues) return await loseAndRegain(holder, long);
    host.release();
    await client.batch.finished(long.id);
  }
});

test('after all that API and worker stop in good order', async () => {
  // 1 would say that a drain ran out of time.
  expect(await Promise.all(processes.map((process) => process.stop()))).toEqual([0, 0]);
});
