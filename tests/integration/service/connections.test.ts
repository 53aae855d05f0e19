import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { createClient } from '../../../testing/client.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

let redis: TestRedis;
/** Without a worker: whoever follows a batch goes on following it. */
let api: TestProcess;
beforeAll(async () => {
  redis = await startRedis();
  api = await startProcess('api', { REDIS_URL: redis.url, MAX_CONNECTIONS: '16', LOG_LEVEL: 'error' });
});
afterAll(async () => {
  await api.stop();
  await redis.remove();
});

/** An answer that has begun, on a connection of its own. */
async function begin(path: string): Promise<IncomingMessage> {
  const [response] = await once(request(api.url + path, { agent: false }).end(), 'response');
  return response as IncomingMessage;
}

async function ask(path: string): Promise<{ status: number; connection: string | undefined; body: string }> {
  const response = await begin(`/evaluator${path}`);
  return { status: response.statusCode ?? 0, connection: response.headers.connection, body: await text(response) };
}

test('when event streams use all connections, probes are answered and other requests get a retry', async () => {
  const { body: batch } = await createClient(api.url).batch.post([{ image: 'https://example.org/x.jpg', text: 'x' }]);
  const streams = await Promise.all(Array.from({ length: 16 }, () => begin(batch.links.events)));
  expect(streams.map(({ statusCode }) => statusCode)).toEqual(Array(16).fill(200));

  expect((await ask('/health/live')).status).toBe(200);
  const refused = await ask('/v1/models');
  expect([refused.status, (JSON.parse(refused.body) as Problem).code]).toEqual([503, 'overloaded']);
  expect(refused.connection).toBe('close');

  for (const stream of streams) stream.destroy();
  await until(async () => (await ask('/v1/models')).status === 200);
});
