import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { createClient } from '../../../testing/client.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();
/** Large bodies make any service busy for a moment. */
const client = () => createClient(running.service.url, {}, 'patient');

const batch = '/v1/evaluation/batch';
const ndjson = { 'content-type': 'application/x-ndjson' };
const json = { 'content-type': 'application/json' };

/** An object of so many unknown keys, as text. */
const unknownKeys = (count: number) => `{${Array.from({ length: count }, (_, at) => `"key-${at}":1`).join(',')}}`;

async function refused(path: string, headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>) {
  const { status, body: problem } = await client().problem(path, { method: 'POST', headers, body });
  const { code, detail, errors } = problem as Problem;
  expect(JSON.stringify(problem).length).toBeLessThan(12_000);
  return { status, code, detail, errors };
}

test('signing in takes 8 KiB, and says so', async () => {
  expect(await refused('/session', json, unknownKeys(250_000))).toMatchObject({
    status: 413,
    detail: 'The body of this request may have at most 8192 bytes',
  });
  expect(await refused('/session', json, unknownKeys(500))).toMatchObject({ status: 400, code: 'request.invalid' });
});

test('a request of nothing but unknown keys gets a short answer', async () => {
  expect(await refused('/v1/evaluation/single', json, unknownKeys(250_000))).toMatchObject({
    status: 400,
    detail: 'The body has an object with too many keys: at most 10000 are allowed',
  });
  for (const path of ['/v1/evaluation/single', '/v1/evaluation/rank', '/v1/embeddings', batch]) {
    expect(await refused(path, json, unknownKeys(9_000))).toMatchObject({ status: 400, code: 'request.invalid' });
  }
});

test('a list of fifteen million entries in place of a text is refused, and the service stays', async () => {
  const list = `[${'1,'.repeat(15_000_000)}1]`;
  expect(await refused('/v1/evaluation/single', json, `{"image":"x","text":${list}}`)).toMatchObject({
    status: 400,
    detail: 'text: has 15000001 entries; at most 1000 are allowed',
  });
  expect((await client().health()).status).toBe(200);
});

test('a kilobyte of gzip that becomes half a million bad items is refused with 400', async () => {
  const body = new Uint8Array(gzipSync('1\n'.repeat(500_000)));
  expect(await refused(batch, ndjson, body)).toMatchObject({
    status: 400,
    detail: expect.stringMatching(/^None of the first \d+ items can be read/),
  });
});

test('items of megabytes that say nothing fail with short messages, and DELETE leaves nothing of them', async () => {
  const lines = [
    JSON.stringify({ image: `https://${'h'.repeat(2_000_000)}/x.jpg`, text: 'a' }),
    JSON.stringify({ image: 'x'.repeat(200), text: 'a', ['k'.repeat(2_000_000)]: 1 }),
    unknownKeys(200_000),
    unknownKeys(9_000),
  ];
  const { body: posted } = await client().call<BatchStatus>(batch, {
    method: 'POST',
    headers: ndjson,
    body: lines.join('\n'),
  });
  const { items } = await client().batch.finished(posted.id);
  expect(items).toMatchObject({ total: 4, failed: 4 });
  const results = await client().batch.results(posted.id);
  expect(JSON.stringify(results).length).toBeLessThan(4_000);
  const redis = new Redis(running.redis.url);
  try {
    let bytes = 0;
    const keys = await redis.keys(`*${posted.id}*`);
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) bytes += Number(await redis.call('MEMORY', 'USAGE', key));
    expect(bytes).toBeLessThan(64 * 1024);
    await client().call(`${batch}/${posted.id}`, { method: 'DELETE' });
    await expect.poll(() => redis.keys(`*${posted.id}*`), { timeout: 55_000 }).toEqual([]);
  } finally {
    redis.disconnect();
  }
});
