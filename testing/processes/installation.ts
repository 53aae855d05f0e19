import { type Client, createClient } from '../client.ts';
import { startRedis, type TestRedis } from '../redis/single.ts';
import { type Forked, forkScript } from './forked.ts';
import { type Role, startProcess, type TestProcess } from './service.ts';

/** A service for measurements, with its own Redis and image servers, all on loopback. */
export interface Installation {
  redis: TestRedis;
  images: Forked<{ authority: string }>[];
  /** The processes of the service, in the order of the requested roles. */
  processes: [TestProcess, ...TestProcess[]];
  client: Client;
  /** Returns a pair that no cache contains. `server` is the index of its image server. Default: each in turn. */
  pair(server?: number): { image: string; text: string };
  /**
   * Scores new pairs as one batch. Returns its id, and the seconds from its post to its end.
   * @throws {Error} when an item fails.
   */
  batch(pairs: number, server?: number): Promise<{ id: string; seconds: number }>;
  /** Scores these pairs as one batch. Returns its id, and the seconds from its post to its end. */
  evaluate(items: { image: string; text: string }[]): Promise<{ id: string; seconds: number }>;
  close(): Promise<void>;
}

export interface InstallationOptions {
  /** A Redis that is not removed at the end. Default: a new one. */
  redis?: TestRedis;
  roles?: [Role, ...Role[]];
  env?: Record<string, string>;
  /** The latencies in ms, one for each image server. */
  latencies?: number[];
  /** The sizes of the images: 0.3 megapixels (`even`) or 0.05 to 0.3 (`mixed`). */
  sizes?: 'even' | 'mixed';
}

/** Starts an installation without an embedding cache. */
export async function install(options: InstallationOptions = {}): Promise<Installation> {
  const { roles = ['service'], env = {}, latencies = [0], sizes = 'even' } = options;
  const redis = options.redis ?? (await startRedis());
  const images = await Promise.all(
    latencies.map((ms) => forkScript<{ authority: string }>('testing/images/server.ts', [String(ms), sizes])),
  );
  const settings = {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: images.map(({ ready }) => ready.authority).join(','),
    EMBEDDING_CACHE_MB: '0',
    LOG_LEVEL: 'error',
    ...env,
  };
  const start = (role: Role) => startProcess(role, settings);
  const [first, ...others] = roles;
  const processes: [TestProcess, ...TestProcess[]] = [await start(first), ...(await Promise.all(others.map(start)))];
  const client = createClient(processes[0].url);
  let next = 0;
  const pair = (server?: number) => {
    const index = next++;
    return {
      image: `http://${images[server ?? index % images.length]?.ready.authority}/image.jpg?n=${index}`,
      text: `a photo of thing number ${index} on a table`,
    };
  };
  const evaluate: Installation['evaluate'] = async (items) => {
    const start = performance.now();
    const { body } = await client.batch.post(items);
    const status = await client.batch.finished(body.id);
    const seconds = (performance.now() - start) / 1000;
    if (status.items.succeeded === items.length) return { id: body.id, seconds };
    const logs = processes.map((process) => process.output().slice(-2_000)).join('\n');
    throw new Error(`The batch failed: ${JSON.stringify(status)}\n${logs}`);
  };
  return {
    redis,
    images,
    processes,
    client,
    pair,
    batch: (pairs, server) => evaluate(Array.from({ length: pairs }, () => pair(server))),
    evaluate,
    async close() {
      await Promise.all(processes.map((process) => process.stop()));
      await Promise.all(images.map((server) => server.stop()));
      if (options.redis === undefined) await redis.remove();
    },
  };
}
