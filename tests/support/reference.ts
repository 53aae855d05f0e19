import { afterAll, beforeAll } from 'vitest';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Problem } from '../../shared/contracts/problem.ts';
import { type Answer, type Client, createClient } from '../../testing/client.ts';
import { startProcess, type TestProcess } from '../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../testing/redis/single.ts';
import { bucket, startS3, type TestS3 } from '../../testing/s3/server.ts';

/** API and workers that score by a formula, over a Redis and a bucket of their own. */
export interface ReferenceService {
  redis: TestRedis;
  s3: TestS3;
  /** Address of the API. */
  url: string;
  client: Client;
  /** Environment of each process. */
  env: Record<string, string>;
  startWorker(env?: Record<string, string>): Promise<TestProcess>;
  /** Posts a batch by reference. */
  post(body: object, headers?: Record<string, string>): Promise<Answer<BatchStatus & Problem>>;
  /** The batch, once its files are written or have failed. */
  written(id: string): Promise<BatchStatus>;
}

/** Starts the API; workers are started, and ended, by the tests. Payloads lie in the bucket, below `payloads/`. */
export function useReferenceService(more: Record<string, string> = {}): ReferenceService {
  const running = {} as ReferenceService;
  const started: TestProcess[] = [];
  beforeAll(async () => {
    const [redis, s3] = await Promise.all([startRedis(), startS3()]);
    const env = {
      ...s3.env,
      REDIS_URL: redis.url,
      PAYLOADS: s3.url('payloads'),
      BATCH_BUCKETS: `default=s3://${bucket}/open/`,
      LOG_LEVEL: 'error',
      ...more,
    };
    const api = await startProcess('stub-api', env);
    started.push(api);
    const client = createClient(api.url);
    Object.assign(running, { redis, s3, env, client, url: api.url } satisfies Partial<ReferenceService>);
    running.startWorker = async (own = {}) => {
      const worker = await startProcess('stub-worker', { ...env, ...own });
      started.push(worker);
      return worker;
    };
    running.post = (body, headers = {}) =>
      client.call('/v1/evaluation/batch', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    running.written = (id) => client.batch.until(id, ({ files }) => files !== null && files.state !== 'pending');
  });
  afterAll(async () => {
    await Promise.all(started.map((process) => process.kill()));
    await Promise.all([running.redis.remove(), running.s3.remove()]);
  });
  return running;
}

export const line = (index: number): string =>
  JSON.stringify({
    id: `item-${index}`,
    image: `https://cdn.example.org/photos/photo-${index}.jpg`,
    text: `a photo of thing number ${index} on a table`,
  });
export const lines = (count: number): string =>
  `${Array.from({ length: count }, (_, index) => line(index)).join('\n')}\n`;

/** The results in a file, as it lies in the bucket. */
export const resultsIn = async (s3: TestS3, key: string): Promise<ItemResult[]> =>
  (await s3.get(key))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((text) => JSON.parse(text));

/** The key of an address in the tests' bucket. */
export const keyOf = (address: string): string => address.replace(`s3://${bucket}/`, '');
