import { readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { readPidFile } from '../../../start/pid-file.ts';
import { findRedisServer } from '../../../start/redis/find.ts';
import { localRedis } from '../../../start/redis/local.ts';
import { manageRedis } from '../../../start/redis/managed.ts';
import { isAlive, temporaryDirectory, untilGone } from './started.ts';

const program = findRedisServer();
const never = new AbortController().signal;

/** A managed Redis in its own directory, stopped when the test is over. */
function managedIn(directory: string) {
  const server = localRedis(program ?? '', directory);
  const lines: string[] = [];
  const failed = Promise.withResolvers<Error>();
  const redis = manageRedis({
    server,
    check: async () => {},
    say: (line) => lines.push(line),
    onFailed: failed.resolve,
  });
  const stop = () => redis.stop({ graceMs: 60_000, hard: never });
  onTestFinished(stop);
  return {
    ...redis,
    stop: () => stop(),
    server,
    lines,
    failed: failed.promise,
    pid: () => readPidFile(server.pidFile) ?? 0,
  };
}

function clientOf(url: string): Redis {
  const client = new Redis(url, { retryStrategy: (n) => Math.min(10 * n, 100), maxRetriesPerRequest: null });
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

test.runIf(program)('every write is on disk before it is answered and nothing is evicted', async () => {
  const redis = managedIn(temporaryDirectory());
  await redis.ready;
  const client = clientOf(redis.url);
  const settings = await client.config('GET', 'append*', 'maxmemory-policy', 'save', 'port', 'aof-use-rdb-preamble');
  expect(Object.fromEntries(pairs(settings as string[]))).toMatchObject({
    appendonly: 'yes',
    appendfsync: 'always',
    'aof-use-rdb-preamble': 'yes',
    'maxmemory-policy': 'noeviction',
    save: '',
    port: '0',
  });
});

test.runIf(program)('only its user can open its socket and read its configuration', async () => {
  const directory = temporaryDirectory();
  const redis = managedIn(directory);
  await redis.ready;
  expect(statSync(redis.url).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'redis.conf')).mode & 0o777).toBe(0o600);
});

test.runIf(program)('a Redis that is killed comes back with everything it had acknowledged', async () => {
  const redis = managedIn(temporaryDirectory());
  await redis.ready;
  const client = clientOf(redis.url);
  await client.set('kept', 'yes');
  const killed = redis.pid();
  process.kill(killed, 'SIGKILL');
  await untilGone(killed);
  expect(await client.get('kept')).toBe('yes');
  expect(redis.lines).toEqual(['Redis was killed by SIGKILL; restarting in 100 ms.']);
  expect(redis.pid()).not.toBe(killed);
});

test.runIf(program)('a Redis without its pid file is taken over, not run twice on the same files', async () => {
  const directory = temporaryDirectory();
  const first = managedIn(directory);
  await first.ready;
  const pid = first.pid();
  rmSync(first.server.pidFile);
  const second = managedIn(directory);
  await second.ready;
  expect(second.pid()).toBe(pid);
});

test.runIf(program)('a stopped Redis is gone and stays gone', async () => {
  const redis = managedIn(temporaryDirectory());
  await redis.ready;
  const pid = redis.pid();
  await redis.stop();
  expect(isAlive(pid)).toBe(false);
  expect(redis.lines).toEqual([]);
});

test.runIf(program)('a path too long for a socket, with spaces and quotes, works', async () => {
  const redis = managedIn(join(temporaryDirectory(), `a "long" path ${'x'.repeat(80)}`));
  await redis.ready;
  onTestFinished(() => rmSync(dirname(redis.url), { recursive: true, force: true }));
  expect(await clientOf(redis.url).ping()).toBe('PONG');
});

test('a Redis that cannot start is one line with the last it wrote', async () => {
  const directory = temporaryDirectory();
  const server = {
    ...localRedis('/bin/sh', directory),
    command: ['/bin/sh', '-c', 'echo out of luck; exit 1'] as const,
  };
  const failed = Promise.withResolvers<Error>();
  const lines: string[] = [];
  manageRedis({ server, check: async () => {}, say: (line) => lines.push(line), onFailed: failed.resolve });
  expect((await failed.promise).message).toBe(`Redis exited with code 1: out of luck (log: ${server.logFile})`);
  expect(lines).toEqual([]);
  expect(readFileSync(server.logFile, 'utf8')).toBe('out of luck\n');
});

function* pairs(flat: string[]): Generator<[string, string]> {
  for (let at = 0; at + 1 < flat.length; at += 2) yield [flat[at] ?? '', flat[at + 1] ?? ''];
}
