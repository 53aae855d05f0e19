import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedisServer } from '../../start/redis/find.ts';

/** A Redis of the bench's own on a unix socket, as durable as the one that `npm start` runs. */
export interface BenchRedis {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

export async function startRedis(): Promise<BenchRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'vls-bench-redis-'));
  const socket = join(directory, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''];
  const server = spawn(
    findRedisServer() ?? 'redis-server',
    [...options, '--appendonly', 'yes', '--appendfsync', 'always'],
    { stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // It would outlive a bench that is stopped in the middle: no channel tells it that its parent is gone.
  const abandon = () => {
    server.kill('SIGKILL');
    remove();
  };
  process.once('exit', abandon);
  const client = new Redis(socket, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => {});
  await Promise.race([client.ping(), ended.then(() => Promise.reject(new Error('Redis did not start')))]);
  client.disconnect();
  return {
    url: socket,
    pid: server.pid ?? 0,
    async stop() {
      process.removeListener('exit', abandon);
      server.kill('SIGTERM');
      await ended;
      remove();
    },
  };
}
