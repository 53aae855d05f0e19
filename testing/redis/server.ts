import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { findRedisServer } from '../../start/redis/find.ts';

/** A `redis-server` of a test's own, with a directory of its own. */
export interface TestServer {
  /** Process id of the server that runs now. */
  pid(): number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  /** Stops it without closing a connection, as a machine that hangs or is cut off would. */
  freeze(): void;
  /** Continues it. */
  thaw(): void;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
  /** One connection that waits for the server; whoever asks for it ends it. */
  connect(): Redis;
}

/** What is still there when this process exits: no channel says to a Redis that its parent is gone. */
const left = new Set<() => void>();
process.once('exit', () => {
  for (const abandon of left) abandon();
});

/** Every write is on disk before it is answered, as in production. */
export const durable = { save: '', appendonly: 'yes', appendfsync: 'always' };

/**
 * Starts one.
 * @param settingsIn its settings, given the directory it has.
 * @param connectionIn how it is reached, given the same.
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
