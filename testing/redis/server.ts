import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { findRedisServer } from '../../start/redis/find.ts';

/** A `redis-server` for a test, with its own directory. */
export interface TestServer {
  pid(): number;
  kill(): Promise<void>;
  /** Restarts the server with the same data. */
  start(): Promise<void>;
  /** Suspends the server with its connections open, like a machine that hangs. */
  freeze(): void;
  thaw(): void;
  remove(): Promise<void>;
  /** Opens a connection that waits until the server answers. The caller closes it. */
  connect(): Redis;
}

/** Kill the running Redis servers when this process exits. They would otherwise keep running. */
const left = new Set<() => void>();
process.once('exit', () => {
  for (const abandon of left) abandon();
});

/** As in production: each write is on disk before it is acknowledged. */
export const durable = { save: '', appendonly: 'yes', appendfsync: 'always' };

/**
 * Starts a server.
 * @param settingsIn returns the server's settings, for its directory.
 * @param connectionIn returns connection options, for its directory.
 */
export async function startServer(
  settingsIn: (directory: string) => Record<string, string>,
  connectionIn: (directory: string) => Omit<RedisOptions, 'replyMapping'>,
  isSentinel = false,
): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'vls-redis-'));
  const configuration = join(directory, 'redis.conf');
  const settings = Object.entries({ dir: directory, logfile: join(directory, 'log'), ...settingsIn(directory) });
  await writeFile(configuration, settings.map(([name, value]) => `${name} ${value || '""'}\n`).join(''));
  let server: ChildProcess | undefined;

  function connect(): Redis {
    const client = new Redis({ ...connectionIn(directory), retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => {});
    return client;
  }
  async function start(): Promise<void> {
    const mode = isSentinel ? ['--sentinel'] : [];
    server = spawn(findRedisServer() ?? 'redis-server', [configuration, ...mode], { stdio: 'ignore' });
    const ended = once(server, 'exit').then(() => Promise.reject(new Error('Redis ended before it answered')));
    const client = connect();
    await Promise.race([client.ping(), ended]);
    ended.catch(() => {});
    client.disconnect();
  }
  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }
  const abandon = () => {
    server?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  left.add(abandon);
  await start();
  return {
    pid: () => server?.pid ?? 0,
    kill,
    start,
    connect,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async remove() {
      await kill();
      left.delete(abandon);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
