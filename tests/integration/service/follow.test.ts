import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { type ImageHost, photoNames, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { readEvents, type SentEvent } from '../../support/sse.ts';

/** Answers 500 to its first call, then 200. */
const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => (body += part));
  request.on('end', () => {
    calls.push({ headers: request.headers, body });
    response.writeHead(calls.length === 1 ? 500 : 200).end();
  });
});
const secret = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

let redis: TestRedis;
let host: ImageHost;
let service: TestProcess;
let other: TestProcess;
let client: Client;
let hook: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const authority = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  hook = `http://${authority}/hook`;
  [redis, host] = await Promise.all([startRedis(), startImageHost()]);
  const env = {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    WEBHOOK_SECRET: secret,
    WEBHOOK_HOSTS_ALLOW: authority,
    LOG_LEVEL: 'error',
  };
  [service, other] = await Promise.all([startProcess('service', env), startProcess('api', env)]);
  client = createClient(service.url);
});
afterAll(async () => {
  await Promise.all([service.stop(), other.stop()]);
  receiver.close();
  await Promise.all([redis.remove(), host.close()]);
});

const itemsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    image: host.url(index % 20 === 7 ? 'missing.jpg' : `${photoNames[index % 6]}?${index}`),
    text: 'a photo',
  }));
const eventsUrl = (base: string, id: string) => `${base}/evaluator/v1/evaluation/batch/${id}/events`;
const progressOf = (events: SentEvent[]) =>
  events
    .filter(({ event }) => event === 'progress')
    .map(({ data }) => (data as BatchStatus).items.succeeded + (data as BatchStatus).items.failed);

test('events begin with the status, tell progress and failures, and close after the end', async () => {
  host.latencyMs = 100;
  const { body } = await client.batch.post(itemsOf(100));
  const { events } = await readEvents(eventsUrl(service.url, body.id));
  host.latencyMs = 0;
  expect(events[0]).toMatchObject({ event: 'state', data: { id: body.id, items: { total: 100 } } });
  expect(events.at(-1)).toMatchObject({
    event: 'end',
    data: { state: 'completed_with_errors', items: { succeeded: 95, failed: 5 } },
  });
  const failures = events.filter(({ event }) => event === 'failure').map(({ data }) => data);
  expect(failures).toContainEqual({
    index: 7,
    code: 'image.fetch.http_status',
    message: expect.stringContaining('404'),
  });
  const progress = progressOf(events);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(progress.at(-1)).toBe(100);
});

test('a client that is cut off ten times and resumes, at either API, misses and repeats no event', async () => {
  host.latencyMs = 300;
  const { body } = await client.batch.post(itemsOf(400));
  const whole = readEvents(eventsUrl(service.url, body.id));
  const pieces: SentEvent[] = [];
  for (let cut = 0; ; cut++) {
    const base = cut % 2 === 0 ? other.url : service.url;
    const lastEventId = pieces.at(-1)?.id;
    const enough = (events: SentEvent[]) => cut < 10 && events.length >= 3;
    const { status, events } = await readEvents(eventsUrl(base, body.id), {
      enough,
      ...(lastEventId !== undefined && { lastEventId }),
    });
    pieces.push(...events);
    if (status === 204 || events.at(-1)?.event === 'end') break;
  }
  host.latencyMs = 0;
  const ids = pieces.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // From the first event of the pieces on, both have seen the same.
  const { events } = await whole;
  const wholeIds = events.slice(1).map(({ id }) => id);
  const from = wholeIds.indexOf(ids[1] ?? '');
  expect(from).toBeGreaterThanOrEqual(0);
  expect(ids.slice(1)).toEqual(wholeIds.slice(from));
});

test('a reader that has the last event gets 204, and a finished batch answers at once', async () => {
  const { body } = await client.batch.post(itemsOf(3));
  await client.batch.finished(body.id);
  const { events } = await readEvents(eventsUrl(service.url, body.id));
  expect(events.map(({ event }) => event)).toEqual(['state', 'end']);
  const again = await readEvents(eventsUrl(service.url, body.id), { lastEventId: events.at(-1)?.id ?? '' });
  expect(again).toEqual({ status: 204, events: [] });
});

test('an id that the stream has forgotten gets a reset with the whole status', async () => {
  const { body } = await client.batch.post(itemsOf(3));
  await client.batch.finished(body.id);
  const { events } = await readEvents(eventsUrl(service.url, body.id), { lastEventId: '1-0/0' });
  expect(events[0]).toMatchObject({ event: 'reset', data: { id: body.id, state: 'completed' } });
  expect(events.at(-1)?.event).toBe('end');
});

test('following an unknown batch is 404', async () => {
  expect((await client.problem('/v1/evaluation/batch/nothing/events')).body.code).toBe('batch.not_found');
});

test('a webhook is signed, tried again, and its delivery is seen in the status', { timeout: 120_000 }, async () => {
  const { body } = await client.batch.post(itemsOf(3), { webhook: { url: hook } });
  await client.batch.finished(body.id);
  const status = await client.batch.until(body.id, ({ webhook }) => webhook?.state === 'delivered');
  expect(status.webhook).toMatchObject({ url: hook, attempts: 2 });
  expect(calls).toHaveLength(2);
  expect(calls[0]?.headers['webhook-id']).toBe(calls[1]?.headers['webhook-id']);
  for (const { headers, body: sent } of calls) {
    const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${sent}`;
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
    expect(JSON.parse(sent)).toMatchObject({ type: 'batch.completed', data: { id: body.id, items: { succeeded: 3 } } });
  }
});

test('failed items are evaluated again once their host is back, and only those', async () => {
  host.failing = true;
  const items = Array.from({ length: 20 }, (_, index) => ({
    id: `i${index}`,
    image: host.url(index % 4 === 1 ? 'later/coffee.jpg' : 'rocket.jpg'),
    text: 'a photo',
  }));
  const { body } = await client.batch.post(items);
  expect(await client.batch.finished(body.id)).toMatchObject({
    items: { succeeded: 15, failed: 5 },
    failures: { 'image.fetch.unavailable': 5 },
  });
  host.failing = false;
  const retried = await client.post<BatchStatus>(`/v1/evaluation/batch/${body.id}/retry`, {});
  expect(retried.status).toBe(202);
  expect(await client.batch.finished(retried.body.id)).toMatchObject({
    state: 'completed',
    retryOf: body.id,
    items: { total: 5, succeeded: 5 },
  });
  const results = await client.batch.results(retried.body.id);
  expect(results.map(({ id }) => id).sort()).toEqual(['i1', 'i13', 'i17', 'i5', 'i9']);
  expect((await client.batch.status(body.id)).body.retriedBy).toBe(retried.body.id);
});
