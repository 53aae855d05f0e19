import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readPidFile } from '../../../start/pid-file.ts';
import { findRedisServer } from '../../../start/redis/find.ts';
import { isAlive, type Started, start, startSupervisor, temporaryDirectory, untilGone } from './started.ts';

const withRedis = test.runIf(findRedisServer());

/** The supervisor with everything up, and the processes it runs. */
async function running(dataDir: string, env: NodeJS.ProcessEnv = {}) {
  const supervisor = startSupervisor(dataDir, env);
  const processes = await serviceProcesses(supervisor);
  await supervisor.said(/Ctrl-C drains/);
  const redis = readPidFile(join(dataDir, 'redis', 'redis.pid')) ?? 0;
  onTestFinished(() => endIfAlive(redis));
  return { supervisor, redis, ...processes };
}

async function serviceProcesses(supervisor: Started) {
  const [, service] = await supervisor.said(/service (\d+) on/);
  const [, encoder] = await supervisor.said(/encoder (\d+)/);
  onTestFinished(() => endIfAlive(Number(service)));
  return { service: Number(service), encoder: Number(encoder) };
}

function endIfAlive(pid: number): void {
  if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  withRedis(
    `${signal} drains the service while Redis still answers, then stops Redis, and leaves no process behind`,
    async () => {
      const { supervisor, ...processes } = await running(temporaryDirectory());
      process.kill(supervisor.pid, signal);
      const { code, output } = await supervisor.ended;
      expect(output).toContain('drained with PONG');
      expect(code).toBe(0);
      await Promise.all(Object.values(processes).map(untilGone));
    },
  );
}

withRedis('a second Ctrl-C stops a service that does not drain, and still leaves no process behind', async () => {
  const { supervisor, ...processes } = await running(temporaryDirectory(), { FAKE_SERVICE: 'stubborn' });
  process.kill(supervisor.pid, 'SIGINT');
  await supervisor.said(/asked to drain/);
  process.kill(supervisor.pid, 'SIGINT');
  expect((await supervisor.ended).code).toBe(130);
  await Promise.all(Object.values(processes).map(untilGone));
});

withRedis('a service that crashes is started again, its encoders with it and none left over', async () => {
  const { supervisor, service, encoder } = await running(temporaryDirectory(), { IMAGE_HOST_ALLOW: 'a.test' });
  process.kill(service, 'SIGKILL');
  await supervisor.said(/The service was killed by SIGKILL; restarting in 100 ms\./);
  await untilGone(encoder);
  const next = await serviceProcesses(supervisor);
  await supervisor.said(/The service is available again at http:\/\/127\.0\.0\.1:8000\./);
  process.kill(supervisor.pid, 'SIGTERM');
  const { code, output } = await supervisor.ended;
  expect(code).toBe(0);
  // The misspelt setting is printed once, below the banner.
  const [before, after, ...more] = output.split('IMAGE_HOST_ALLOW is not a setting and has no effect');
  expect([before?.includes('Ctrl-C drains'), after?.includes('available again'), more]).toEqual([true, true, []]);
  await Promise.all(Object.values(next).map(untilGone));
});

withRedis(
  'after the supervisor was killed the service drains, and the next start takes over the same Redis',
  async () => {
    const dataDir = temporaryDirectory();
    const first = await running(dataDir);
    process.kill(first.supervisor.pid, 'SIGKILL');
    const second = await running(dataDir);
    expect(isAlive(first.service)).toBe(false);
    await untilGone(first.encoder);
    expect(second.redis).toBe(first.redis);
    process.kill(second.supervisor.pid, 'SIGINT');
    expect((await second.supervisor.ended).code).toBe(0);
    expect(isAlive(second.redis)).toBe(false);
  },
);

withRedis('a fault that restarting cannot mend is one line, exit code 1, and everything is stopped', async () => {
  const dataDir = temporaryDirectory();
  const supervisor = startSupervisor(dataDir, { FAKE_SERVICE: 'fatal' });
  const { encoder } = await serviceProcesses(supervisor);
  const { code, output } = await supervisor.ended;
  expect(code).toBe(1);
  expect(output.trim().split('\n').at(-1)).toBe('Port 8000 is in use.');
  expect(isAlive(encoder)).toBe(false);
  expect(readPidFile(join(dataDir, 'redis', 'redis.pid'))).toBeUndefined();
});

withRedis('a service that never gets ready is given up, with everything stopped', async () => {
  const { code, output } = await startSupervisor(temporaryDirectory(), { FAKE_SERVICE: 'broken' }).ended;
  expect(code).toBe(1);
  expect(output).toContain('The service exited with code 3 before it was ready, 5 times in a row');
});

withRedis('a second start on the same directory is refused and disturbs nothing', async () => {
  const dataDir = temporaryDirectory();
  const { supervisor, service } = await running(dataDir);
  const second = await startSupervisor(dataDir).ended;
  expect(second.code).toBe(1);
  expect(second.output).toBe(
    `${dataDir} is in use by another running service (process ${supervisor.pid}). It answers at http://127.0.0.1:8000. Stop that service, or set DATA_DIR to another directory.\n`,
  );
  expect(isAlive(service)).toBe(true);
});

test('an installed Redis that is too old is one line and exit code 1', async () => {
  const dataDir = temporaryDirectory();
  mkdirSync(join(dataDir, 'bin'));
  const program = join(dataDir, 'bin', 'redis-server');
  writeFileSync(
    program,
    '#!/bin/sh\necho "Redis server v=5.0.7 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=0"\n',
  );
  chmodSync(program, 0o755);
  const { code, output } = await startSupervisor(dataDir, { PATH: `${join(dataDir, 'bin')}:${process.env['PATH']}` })
    .ended;
  expect(code).toBe(1);
  expect(output).toContain(`${program} is version 5.0.7; version 6.2 or newer is required.`);
});

test('with REDIS_URL no Redis is started, and one that is down is one line and no more', async () => {
  const dataDir = temporaryDirectory();
  const supervisor = startSupervisor(dataDir, { REDIS_URL: join(dataDir, 'nobody.sock') });
  // In either order: the check goes on while the service starts.
  await supervisor.said(/(does not answer|Ctrl-C drains)[\s\S]*(does not answer|Ctrl-C drains)/);
  process.kill(supervisor.pid, 'SIGINT');
  const { code, output } = await supervisor.ended;
  expect(code).toBe(0);
  expect(output.match(/does not answer/g)).toHaveLength(1);
  expect(existsSync(join(dataDir, 'redis'))).toBe(false);
});

test('a foreign Redis that is too old is one line and exit code 1, without its password', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('+OK\r\n$19\r\nredis_version:5.0.7\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const { code, output } = await startSupervisor(temporaryDirectory(), {
    REDIS_URL: `redis://:secret@127.0.0.1:${port}`,
  }).ended;
  expect(code).toBe(1);
  expect(output).toContain(`Redis at redis://127.0.0.1:${port} is version 5.0.7; version 6.2 or newer is required.`);
  expect(output).not.toContain('does not answer');
  expect(output).not.toContain('secret');
});

test('a wrong setting is one line and exit code 1', async () => {
  const main = new URL('../../../start/main.ts', import.meta.url).pathname;
  const { code, output } = await start(process.execPath, [main], { env: { PORT: 'eighty' } }).ended;
  expect(code).toBe(1);
  expect(output).toMatch(/^PORT="eighty": .*\n$/);
});
