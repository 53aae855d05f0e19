import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { until } from '../../../testing/until.ts';
import { type ChosenRedis, startChosenRedis } from '../../support/redis-chosen.ts';

const keys = createKeyFile();
const patient = keys.add('patient');
const hasty = keys.add('hasty', { limits: { requestsPerMinute: 5 } });
/** For the second attempt of a test: the requests of the first one still count. */
const hastyAgain = keys.add('hasty-again', { limits: { requestsPerMinute: 5 } });
const small = keys.add('small', { limits: { queuedItems: 10 } });
const unbounded = keys.add('unbounded', { limits: { requestsPerMinute: 0, queuedItems: 0 } });

let redis: ChosenRedis;
/** Two APIs over one Redis, and no worker: what is posted stays queued. */
let apis: TestProcess[];
beforeAll(async () => {
  redis = await startChosenRedis();
  const env = { REDIS_URL: redis.url, API_KEYS_FILE: keys.path, LOG_LEVEL: 'error' };
  apis = await Promise.all([startProcess('api', env), startProcess('api', env)]);
  // The default model loads behind the ready message.
  for (const { url } of apis) await until(async () => (await createClient(url).call('/health/ready')).status === 200);
});
afterAll(async () => {
  await Promise.all(apis.map((api) => api.stop()));
  await redis.remove();
});
const as = (key: string, api = 0): Client => createClient(apis[api]?.url ?? '', bearer(key));
const coffee = () => ({ image: readPhoto('coffee.jpg').toString('base64'), text: 'a cup of coffee' });
const items = (count: number) =>
  Array.from({ length: count }, () => ({ image: 'https://example.org/x.jpg', text: 'x' }));

describe('requests in a minute', () => {
  test('are limited per tenant over all APIs, and the limit is in the draft headers', async ({ task }) => {
    const key = task.result?.retryCount ? hastyAgain : hasty;
    // Each API loads its script now: while Redis is slow to answer, an API counts by itself.
    for (const api of [0, 1]) await as(patient, api).call('/v1/models');
    const statuses: number[] = [];
    for (let request = 0; request < 8; request++) {
      const answer = await as(key, request % 2).problem('/v1/models');
      statuses.push(answer.status);
      expect(answer.headers.get('ratelimit-policy')).toMatch(/^"tenant"; q=5; w=60/);
      const remaining = Math.max(0, 4 - request);
      expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"tenant"; r=${remaining}; t=\\d+$`));
      if (answer.status !== 429) continue;
      expect(answer.body.code).toBe('tenant.rate_limited');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  });

  test('of another tenant are counted apart, by the default of 6000', async () => {
    const { headers, status } = await as(patient).call('/v1/models');
    expect(status).toBe(200);
    expect(headers.get('ratelimit-policy')).toContain('q=6000');
  });

  test('are not counted for a key without that limit, nor outside of the API', async () => {
    expect((await as(unbounded).call('/v1/models')).headers.has('ratelimit')).toBe(false);
    expect((await as(patient).call('/health')).headers.has('ratelimit')).toBe(false);
  });
});

describe('items of unfinished batches', () => {
  test('are bounded for a tenant, and free again when a batch has ended', async () => {
    const client = as(small);
    const first = await client.batch.post(items(6));
    expect(first.status).toBe(202);
    const second = await client.batch.post<Problem>(items(5));
    expect([second.status, second.body.code]).toEqual([429, 'tenant.queue_full']);
    expect(second.headers.has('retry-after')).toBe(true);
    const third = await client.batch.post(items(4));
    expect(third.status).toBe(202);
    await client.call(first.body.links.cancel.replace('/evaluator', ''), { method: 'POST' });
    expect((await client.batch.post(items(6))).status).toBe(202);
    await client.call(third.body.links.self.replace('/evaluator', ''), { method: 'DELETE' });
    expect((await client.batch.post(items(4))).status).toBe(202);
    // Refused batches are not listed and do not count.
    expect((await client.batch.post(items(1))).status).toBe(429);
  });
});

describe('bodies', () => {
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    as(patient).problem(path, { method: 'POST', body, headers });
  const json = { 'content-type': 'application/json' };
  const single = '/v1/evaluation/single';
  const batch = '/v1/evaluation/batch';

  test.each([
    ['lists', '['.repeat(20_000_000)],
    ['objects', `${'{"a":'.repeat(5_000_000)}1${'}'.repeat(5_000_000)}`],
    ['lists behind a string', `{"a":"\\\\\\"[","b":${'['.repeat(65)}${']'.repeat(65)}}`],
  ])('of nested %s are refused before they are parsed', async (_what, body) => {
    const answer = await post(single, body, json);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.too_deep']);
  });

  test('with brackets in strings do not count as nested', async () => {
    const { status } = await as(patient).single({ image: coffee().image, text: '[{'.repeat(500) });
    expect(status).toBe(200);
  });

  test('of nested lists in UTF-16 are refused as those in UTF-8 are', async () => {
    const body = Buffer.from(`{"image":${'['.repeat(65)}${']'.repeat(65)}}`, 'utf16le');
    const answer = await post(single, body, { 'content-type': 'application/json; charset=utf-16le' });
    expect([answer.status, answer.body.code]).toEqual([400, 'request.too_deep']);
  });

  test('in an unknown charset are refused', async () => {
    const answer = await post(single, '{}', { 'content-type': 'application/json; charset=utf-9' });
    expect([answer.status, answer.body.code]).toEqual([415, 'request.unsupported_media_type']);
  });

  test('with bytes that are not UTF-8 are refused', async () => {
    const answer = await post(single, Buffer.from('{"image":"x","text":"un caf\xe9"}', 'latin1'), json);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.encoding']);
  });

  test('that inflate beyond 32 MiB of JSON are refused', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '));
    const answer = await post(batch, bomb, { ...json, 'content-encoding': 'gzip' });
    expect([answer.status, answer.body.code]).toEqual([413, 'request.too_large']);
  });

  test('of NDJSON that inflate a thousandfold are refused, and leave nothing', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, '\n'));
    expect(bomb.length).toBeLessThan(200_000);
    const answer = await post(batch, bomb, { 'content-type': 'application/x-ndjson' });
    expect([answer.status, answer.body.code]).toEqual([413, 'request.too_large']);
    expect((await as(patient).call<{ batches: BatchStatus[] }>(batch)).body.batches).toEqual([]);
  });

  test('of NDJSON have their deep and long lines fail alone, each with its code', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vls-lines-'));
    const file = join(directory, 'lines.ndjson');
    const deep = `{"metadata":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`;
    const long = `{"text":"${'x'.repeat(33 * 1024 * 1024)}"}`;
    const longText = JSON.stringify({ image: 'https://example.org/x.jpg', text: 'x'.repeat(50_000) });
    await writeFile(file, [deep, long, longText, '{"text":1}'].join('\n'));
    const posted = await as(patient).call<BatchStatus>(batch, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: await openAsBlob(file),
    });
    await rm(directory, { recursive: true });
    expect(posted.status).toBe(202);
    expect(posted.body.items.total).toBe(4);
    const cancelled = await as(patient).call(`${batch}/${posted.body.id}/cancel`, { method: 'POST' });
    expect(cancelled.status).toBe(200);
    const strict = await post(`${batch}?strict=true`, deep, { 'content-type': 'application/x-ndjson' });
    expect([strict.status, strict.body.detail]).toEqual([400, expect.stringContaining('nested deeper')]);
  });

  const boundary = { 'content-type': 'multipart/form-data; boundary=b' };
  const part = (headers: string, content = 'x') => `--b\r\n${headers}\r\n\r\n${content}\r\n`;
  const field = (name: string) => part(`Content-Disposition: form-data; name="${name}"`);
  const file = part('Content-Disposition: form-data; name="file"; filename="a.ndjson"', '{}');

  test.each([
    ['ten thousand fields', single, field('text').repeat(10_000)],
    ['two files', single, file + file],
    [
      'a part with a thousand headers',
      single,
      part(`Content-Disposition: form-data; name="text"\r\n${'X: y\r\n'.repeat(1_000)}`),
    ],
    ['a file and ten thousand parts behind it', batch, file + field('a').repeat(10_000)],
    ['ten thousand files', batch, file.repeat(10_000)],
  ])('that are forms of %s are refused', async (_what, path, body) => {
    const answer = await post(path, `${body}--b--\r\n`, boundary);
    expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
  });

  test('that are forms with more than 32 MiB of fields are refused, in whatever script', async () => {
    const text = part('Content-Disposition: form-data; name="text"', '字'.repeat(6 * 1024 * 1024));
    const answer = await post(single, `${text}${text}--b--\r\n`, boundary);
    expect([answer.status, answer.body.code]).toEqual([413, 'request.too_large']);
  });

  test('of clients that go away at once leave room for others', async () => {
    const { hostname, port } = new URL(apis[0]?.url ?? '');
    const head = [
      `POST /evaluator${single} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      `Authorization: Bearer ${patient}`,
      'Content-Type: application/json',
      `Content-Length: ${32 * 1024 * 1024}`,
    ];
    const abandon = async () => {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.end(`${head.join('\r\n')}\r\n\r\n`);
      await once(socket.resume(), 'close');
    };
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 5 }, abandon));
    expect((await as(patient).single(coffee())).status).toBe(200);
  });

  test('of an unauthorised sender are not read', async () => {
    const answer = await createClient(apis[0]?.url ?? '').problem(single, { method: 'POST', body: '{', headers: json });
    expect([answer.status, answer.body.code]).toEqual([401, 'access.key_missing']);
  });
});

test('without Redis single pairs are still scored, and the rate is still bounded', async () => {
  await redis.kill();
  try {
    expect((await as(patient).single(coffee())).status).toBe(200);
    const statuses: number[] = [];
    for (let request = 0; request < 6; request++) statuses.push((await as(hasty).call('/v1/models')).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    // A cookie cannot be looked up; a key can.
    const cookie = { cookie: `vls_session=${'A'.repeat(43)}` };
    const answer = await createClient(apis[0]?.url ?? '', cookie).problem('/v1/models');
    expect([answer.status, answer.body.code]).toEqual([503, 'queue.unavailable']);
  } finally {
    await redis.start();
  }
});
