import { afterAll, beforeAll } from 'vitest';
import { type Client, createClient } from '../../testing/client.ts';
import { type ImageHost, startImageHost } from '../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../testing/processes/service.ts';
import { type ChosenRedis, startChosenRedis } from './redis-chosen.ts';

/** A service over a Redis and an image host of its own, for all tests of a file. */
export interface RunningService {
  redis: ChosenRedis;
  host: ImageHost;
  service: TestProcess;
  client: Client;
}

/**
 * Starts a {@link RunningService} before the tests of the file that calls it, and ends it after them.
 * @returns an object whose parts are there once the first test begins.
 */
export function useService(env: Record<string, string> = {}): RunningService {
  const running = {} as RunningService;
  beforeAll(async () => {
    [running.redis, running.host] = await Promise.all([startChosenRedis(), startImageHost()]);
    running.service = await startProcess('service', {
      REDIS_URL: running.redis.url,
      IMAGE_HOSTS_ALLOW: running.host.authority,
      LOG_LEVEL: 'error',
      ...env,
    });
    running.client = createClient(running.service.url);
  });
  afterAll(async () => {
    await running.service.stop();
    await Promise.all([running.redis.remove(), running.host.close()]);
  });
  return running;
}

/** The same with API and worker as processes of their own. */
export interface RunningPair extends Omit<RunningService, 'service'> {
  api: TestProcess;
  worker: TestProcess;
}

/**
 * Starts a {@link RunningPair} before the tests of the file that calls it, and ends it after them.
 * @param env asked for when they start.
 * @returns an object whose parts are there once the first test begins.
 */
export function useApiAndWorker(env: () => Record<string, string>): RunningPair {
  const running = {} as RunningPair;
  beforeAll(async () => {
    [running.redis, running.host] = await Promise.all([startChosenRedis(), startImageHost()]);
    const common = { REDIS_URL: running.redis.url, IMAGE_HOSTS_ALLOW: running.host.authority, ...env() };
    const started = Promise.all([startProcess('api', common), startProcess('worker', common)]);
    [running.api, running.worker] = await started;
    running.client = createClient(running.api.url);
  });
  afterAll(async () => {
    await Promise.all([running.api.stop(), running.worker.stop()]);
    await Promise.all([running.redis.remove(), running.host.close()]);
  });
  return running;
}
