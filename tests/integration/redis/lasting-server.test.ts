import { once } from 'node:events';
import type { Redis as Server } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../../shared/redis.ts';
import { freePort } from '../../../testing/free-port.ts';
import { startServer } from '../../../testing/redis/server.ts';
import { startFakeSentinel } from '../../support/fake-sentinel.ts';
import { silentLog } from '../../support/silent-log.ts';

async function start() {
  const port = await freePort();
  const server = await startServer(
    () => ({ bind: '127.0.0.1', port: String(port), save: '' }),
    () => ({ host: '127.0.0.1', port }),
  );
  onTestFinished(() => server.remove());
  return { port, server };
}

const next = (redis: Server, event: string) => new Promise<void>((resolve) => redis.once(event, () => resolve()));

test('+switch-master that is heard while the sentinels are asked for the master does not end the connection', async () => {
  const { port, server } = await start();
  const sentinel = await startFakeSentinel(port);
  onTestFinished(() => sentinel.close());
  const redis = connectRedis(`redis+sentinel://127.0.0.1:${sentinel.port}/vls`, 'consumer', silentLog()) as Server;
  onTestFinished(() => redis.disconnect());
  await redis.set('key', 'value');
  await sentinel.subscribed(1);

  sentinel.hold();
  await server.kill();
  await sentinel.asked();
  const waiting = redis.get('key');
  sentinel.announceSwitch();
  await server.start();
  sentinel.release();
  expect(await waiting).toBeNull();
  expect(redis.status).toBe('ready');
});

test('a connection that ioredis gives up is made again, and so is a duplicate of it', async () => {
  const { port } = await start();
  const first = connectRedis(`redis://127.0.0.1:${port}`, 'consumer', silentLog()) as Server;
  for (const redis of [first, first.duplicate({ connectionName: 'waits-for-jobs' })]) {
    onTestFinished(() => redis.disconnect());
    if (redis.status !== 'ready') await next(redis, 'ready');
    // As ioredis leaves a connection whose attempt was called off.
    const ended = next(redis, 'end');
    Object.assign(redis, { manuallyClosing: true });
    redis.stream.destroy();
    await ended;
    await next(redis, 'ready');
    expect(await redis.ping()).toBe('PONG');
  }
});

test('a connection that was asked to end stays ended', async () => {
  const { port } = await start();
  const redis = connectRedis(`redis://127.0.0.1:${port}`, 'consumer', silentLog()) as Server;
  await redis.ping();
  const ended = next(redis, 'end');
  redis.disconnect();
  await ended;
  await expect(redis.ping()).rejects.toThrow('Connection is closed');
  await redis.connect();
  const left = next(redis, 'end');
  await redis.quit();
  await left;
  await expect(redis.ping()).rejects.toThrow('Connection is closed');
});

test('what waits on a server that is silent is asked again of the one that answers, without a word from the socket', async () => {
  const { port, server } = await start();
  const redis = connectRedis(`redis://127.0.0.1:${port}`, 'consumer', silentLog()) as Server;
  onTestFinished(() => redis.disconnect());
  await redis.ping();
  server.freeze();
  onTestFinished(() => server.thaw());
  const waiting = redis.bzpopmin('nothing', 1);
  const [error] = (await once(redis, 'error').catch((fault: Error) => [fault])) as [Error];
  expect(error.message).toMatch(/Socket timeout/);
  server.thaw();
  expect(await waiting).toBeNull();
});
