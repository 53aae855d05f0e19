import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { type Client, createClient } from '../../../testing/client.ts';
import { captions, type ImageHost, photoNames, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startSentinels, type TestSentinels } from '../../../testing/redis/sentinel.ts';
import { until } from '../../../testing/until.ts';

/** Between two questions, in milliseconds: who asks without a pause takes the processor from those that are to answer. */
const pauseMs = 100;
const texts = Object.values(captions);

beforeEach(() => onTestFailed(() => console.log(processes.map((process) => process.output()).join('\n'))));

let sentinels: TestSentinels;
let host: ImageHost;
let client: Client;
const processes: TestProcess[] = [];

beforeAll(async () => {
  [sentinels, host] = await Promise.all([startSentinels(), startImageHost()]);
  const env = {
    REDIS_URL: sentinels.url,
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
  await Promise.all([sentinels.remove(), host.close()]);
});

/** Posts a batch. The image host holds the images from `firstHeld` on until they are released. */
const post = (count: number, firstHeld = count) =>
  client.batch.post(
    Array.from({ length: count }, (_, index) => ({
      image: host.url(`${index < firstHeld ? '' : 'held/'}${photoNames[index % 6]}?${index}`),
      text: texts[index % 6],
    })),
  );

async function expectEachOnce(id: string, total: number): Promise<void> {
  expect(await client.batch.finished(id)).toMatchObject({
    state: 'completed',
    items: { total, succeeded: total, failed: 0, cancelled: 0, pending: 0 },
  });
  const results = await client.batch.results(id);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...Array(total).keys()]);
}

/** Returns when the replica has everything that the master had: replication is asynchronous. */
async function replicated(): Promise<void> {
  const master = sentinels.master.connect();
  await master.set('written-last', '1');
  expect(await master.wait(1, 0)).toBe(1);
  master.disconnect();
}

test('when the master is killed a replica is promoted, and API and worker continue with it', async () => {
  const { body: long } = await post(150, 100);
  await client.batch.until(long.id, ({ items }) => items.succeeded > 30);
  let going = true;
  const singles: number[] = [];
  const load = (async () => {
    for (let at = 0; going; at++) {
      singles.push((await client.single({ image: host.url(`${photoNames[at % 6]}?s`), text: 'a photo' })).status);
      await delay(pauseMs);
    }
  })();
  await replicated();
  await sentinels.master.kill();
  host.release();

  const first = await post(20);
  expect(first).toMatchObject({ status: 503, body: { code: 'queue.unavailable' } });
  expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
  const posted = await until(async () => {
    const answer = await post(20);
    return answer.status !== 503 && answer;
  });
  expect(posted.status).toBe(202);
  await expectEachOnce(posted.body.id, 20);
  await expectEachOnce(long.id, 150);
  going = false;
  await load;
  expect(new Set(singles)).toEqual(new Set([200]));
  const replica = sentinels.replica.connect();
  expect((await replica.role())[0]).toBe('master');
  replica.disconnect();
});

test('the former master returns as a replica, and gets no writes', async () => {
  await sentinels.master.start();
  const former = sentinels.master.connect();
  await until(async () => (await former.role())[0] === 'slave');
  former.disconnect();
  const { body } = await post(20);
  await expectEachOnce(body.id, 20);
});

test('after all that API and worker stop in good order', async () => {
  // 1 would say that a drain ran out of time.
  expect(await Promise.all(processes.map((process) => process.stop()))).toEqual([0, 0]);
});
