import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { createClient } from '../../../testing/client.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

const keys = createKeyFile();
const limits = { streams: 2 };
const key = keys.add('ours', { limits });
const theirs = keys.add('theirs');
const items = [{ image: 'https://example.org/x.jpg', text: 'x' }];

let redis: TestRedis;
/** An API without a worker: what is posted stays queued, and whoever follows it is told nothing. */
let api: TestProcess;
let batch: BatchStatus;
beforeAll(async () => {
  redis = await startRedis();
  const env = { REDIS_URL: redis.url, API_KEYS_FILE: keys.path, LOG_LEVEL: 'error' };
  api = await startProcess('api', env);
  batch = (await as(key).batch.post(items)).body;
});
afterAll(async () => {
  await api.stop();
  await redis.remove();
});

const as = (one: string) => createClient(api.url, bearer(one));
const eventsOf = ({ links }: BatchStatus) => `${api.url}${links.events}`;
/** Begins to follow the batch; the answer has begun when this resolves. */
const follow = (headers: Record<string, string>, signal?: AbortSignal) =>
  fetch(eventsOf(batch), { headers, ...(signal && { signal }) });

async function signIn(withKey: string): Promise<Record<string, string>> {
  const answer = await fetch(`${api.url}/evaluator/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: withKey }),
  });
  return { cookie: (answer.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? '', 'sec-fetch-site': 'same-origin' };
}

describe('an event stream', () => {
  test('ends when its key is removed', async () => {
    const passing = keys.add('ours', { limits });
    const events = await follow(bearer(passing));
    expect(events.status).toBe(200);
    keys.remove(passing);
    // The service closes it, long before the batch ends.
    const told = await events.text();
    expect(told).toContain('event: state');
    expect(told).not.toContain('event: end');
    expect((await follow(bearer(passing))).status).toBe(401);
  });

  test('of a browser ends when the key that it signed in with is removed', async () => {
    const passing = keys.add('ours', { limits });
    const events = await follow(await signIn(passing));
    expect(events.status).toBe(200);
    keys.remove(passing);
    expect(await events.text()).not.toContain('event: end');
  });

  test('of a browser ends when it signs out', async () => {
    const headers = await signIn(key);
    const events = await follow(headers);
    await fetch(`${api.url}/evaluator/session`, { method: 'DELETE', headers });
    expect(await events.text()).not.toContain('event: end');
  });
});

test('a post that waits is answered with 401 when its key is removed', async () => {
  const passing = keys.add('ours');
  const answer = as(passing).call<Problem>('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=60' },
    body: JSON.stringify({ items }),
  });
  // It waits from when its batch is listed.
  const before = async () => (await as(key).call<{ batches: unknown[] }>('/v1/evaluation/batch')).body.batches.length;
  await until(async () => (await before()) >= 2);
  keys.remove(passing);
  expect(await answer).toMatchObject({ status: 401, body: { code: 'access.key_invalid' } });
});

test('long responses of all kinds are limited per tenant', async () => {
  const gone = new AbortController();
  const open = await Promise.all([follow(bearer(key), gone.signal), follow(bearer(key))]);
  expect(open.map(({ status }) => status)).toEqual([200, 200]);

  const path = batch.links.self.replace('/evaluator', '');
  const refused = await Promise.all([
    as(key).problem(`${path}/events`),
    as(key).problem(`${path}/results`, { headers: { accept: 'text/csv' } }),
    as(key).problem('/v1/evaluation/batch', {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'wait=1' },
      body: JSON.stringify({ items }),
    }),
  ]);
  for (const { status, body, headers } of refused) {
    expect([status, body.code]).toEqual([429, 'tenant.too_many_streams']);
    expect(headers.has('retry-after')).toBe(true);
  }
  // Short responses need no place, and other tenants have their own places.
  expect((await as(key).problem(`${path}/results`)).status).toBe(200);
  const other = await as(theirs).call('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=1' },
    body: JSON.stringify({ items }),
  });
  expect(other.status).toBe(202);

  // One that goes away makes room.
  gone.abort();
  const next = await until(async () => {
    const answer = await follow(bearer(key));
    return answer.status !== 429 && answer;
  });
  expect(next.status).toBe(200);
  await Promise.all([open[1]?.body?.cancel(), next.body?.cancel()]);
});
