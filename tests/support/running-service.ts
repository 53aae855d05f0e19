import { afterAll, beforeAll } from 'vitest';
import { type Client, createClient } from './client.ts';
import { type ImageHost, startImageHost } from './image-host.ts';
import { type ChosenRedis, startChosenRedis } from './redis-chosen.ts';
import { startProcess, type TestProcess } from './service.ts';

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
