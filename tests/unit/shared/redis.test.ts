import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError } from '../../../shared/config.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { connectRedis, type Redis, type RedisRole, whenConnected, withRedis } from '../../../shared/redis.ts';
import { silentLog } from '../../support/silent-log.ts';

afterEach(() => void vi.useRealTimers());

/** A connection as far as these functions look at one. */
const connection = (status: string): Redis & EventEmitter =>
  Object.assign(new EventEmitter(), { status }) as unknown as Redis & EventEmitter;

/** A connection to a socket that nobody has made. */
function connectToNothing(role: RedisRole) {
  const log = silentLog();
  const warn = vi.spyOn(log, 'warn');
  const redis = connectRedis(join(tmpdir(), 'vls-no-redis-here', 'redis.sock'), role, log);
  onTestFinished(() => redis.disconnect());
  return { redis, warn };
}

/** `once` of node:events would reject with the errors that are expected here. */
const next = (redis: Redis, event: string) => new Promise<void>((resolve) => redis.once(event, () => resolve()));

describe('withRedis', () => {
  test('gives what the step gives', async () => {
    expect(await withRedis(connection('ready'), async () => 'value')).toBe('value');
  });

  test.each(['wait', 'connecting', 'connect', 'reconnecting', 'close', 'end'])(
    'does not begin the step while the connection is in the state %s',
    async (status) => {
      const step = vi.fn(async () => {});
      await expect(withRedis(connection(status), step)).rejects.toMatchObject({
        code: 'queue.unavailable',
        retryAfter: 2,
      });
      expect(step).not.toHaveBeenCalled();
    },
  );

  test.each([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    'connect ECONNREFUSED 127.0.0.1:6379',
    'read ECONNRESET',
    'connect ENOENT /run/redis.sock',
    'write EPIPE',
    'Reached the max retries per request limit (which is 1). Refer to "maxRetriesPerRequest" option for details.',
    'Command timed out',
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'MOVED 7000 10.0.0.7:6379',
    'ASK 7000 10.0.0.7:6379',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
    "Cluster isn't ready and enableOfflineQueue options is false",
    'None of startup nodes is available',
    'Failed to refresh slots cache.',
    'NOREPLICAS Not enough good replicas to write.',
    'connect ETIMEDOUT',
  ])('turns "%s" into queue.unavailable and keeps it as the cause', async (message) => {
    const fault = new Error(message);
    await expect(
      withRedis(connection('ready'), async () => {
        throw fault;
      }),
    ).rejects.toMatchObject({ name: 'ServiceError', code: 'queue.unavailable', retryAfter: 2, cause: fault });
  });

  test('looks at the name of an error too', async () => {
    const fault = Object.assign(new Error('gave up'), { name: 'ECONNRESET' });
    await expect(withRedis(connection('ready'), () => Promise.reject(fault))).rejects.toMatchObject({
      code: 'queue.unavailable',
    });
  });

  test.each([
    ['a failure with a code', new ServiceError('batch.not_found', 'There is no such batch')],
    ['a failure with a code that speaks of the connection', new ServiceError('internal', 'Connection is closed.')],
    ['a fault of a script', new Error("ERR user_script:1: attempt to index global 'x' (a nil value)")],
    [
      'a pipeline over several slots',
      new Error('All keys in the pipeline should belong to the same slots allocation group'),
    ],
    ['a script over several slots', new Error("CROSSSLOT Keys in request don't hash to the same slot")],
    ['a wrong type', new Error('WRONGTYPE Operation against a key holding the wrong kind of value')],
    ['a bug', new TypeError('x is undefined')],
    ['what is no error', 'ECONNRESET'],
  ])('leaves %s as it is', async (_what, fault) => {
    await expect(withRedis(connection('ready'), () => Promise.reject(fault))).rejects.toBe(fault);
  });

  test('answers for a Redis that is not there, without waiting for it', async () => {
    const { redis } = connectToNothing('producer');
    await expect(withRedis(redis, () => redis.ping())).rejects.toMatchObject({ code: 'queue.unavailable' });
    await next(redis, 'close');
    await expect(withRedis(redis, () => redis.ping())).rejects.toMatchObject({ code: 'queue.unavailable' });
  });
});

test('a directory for TLS without its files is named with its setting, and so is a file that cannot be read', () => {
  const redisTlsDir = mkdtempSync(join(tmpdir(), 'vls-tls-'));
  const connect = () => connectRedis('rediss://127.0.0.1:1', 'producer', silentLog(), { redisTlsDir });
  expect(connect).toThrow(ConfigError);
  expect(connect).toThrow(`REDIS_TLS_DIR: ${redisTlsDir} has no ca.crt, tls.crt, tls.key`);
  mkdirSync(join(redisTlsDir, 'ca.crt'));
  expect(connect).toThrow(`REDIS_TLS_DIR: ${join(redisTlsDir, 'ca.crt')} cannot be read (EISDIR)`);
  rmSync(redisTlsDir, { recursive: true });
});

test('of several servers that are away the log says why the first is', async () => {
  const log = silentLog();
  const warned = new Promise<unknown>((resolve) => vi.spyOn(log, 'warn').mockImplementation(resolve));
  const redis = connectRedis('redis+cluster://127.0.0.1:1,127.0.0.1:2', 'consumer', log);
  onTestFinished(() => redis.disconnect());
  expect(await warned).toMatchObject({ role: 'consumer', reason: expect.stringContaining('ECONNREFUSED 127.0.0.1:1') });
});

describe('a connection to a Redis that is not there', () => {
  test('of a producer refuses a command at once, and the refusal is one that withRedis knows', async () => {
    const { redis } = connectToNothing('producer');
    const fault = await redis.ping().catch((error: unknown) => error);
    await expect(withRedis(connection('ready'), () => Promise.reject(fault))).rejects.toMatchObject({
      code: 'queue.unavailable',
    });
  });

  test('of a consumer keeps the command through every attempt to connect', async () => {
    const { redis } = connectToNothing('consumer');
    const settled = vi.fn();
    redis.ping().then(settled, settled);
    await next(redis, 'reconnecting');
    await next(redis, 'reconnecting');
    expect(settled).not.toHaveBeenCalled();
  });

  test('is logged once for an outage, not once for every attempt', async () => {
    const { redis, warn } = connectToNothing('consumer');
    await next(redis, 'reconnecting');
    await next(redis, 'reconnecting');
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      { role: 'consumer', reason: expect.stringContaining('ENOENT') },
      'cannot reach Redis',
    );
  });
});

describe('whenConnected', () => {
  test('is true at once for a connection that answers', async () => {
    expect(await whenConnected(connection('ready'), 1_000)).toBe(true);
  });

  test('is true as soon as the connection answers, and leaves nothing behind', async () => {
    vi.useFakeTimers();
    const redis = connection('connecting');
    const connected = whenConnected(redis, 1_000);
    redis.emit('ready');
    expect(await connected).toBe(true);
    expect([redis.listenerCount('ready'), vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('is false when the time is over, and leaves nothing behind', async () => {
    vi.useFakeTimers();
    const redis = connection('connecting');
    const connected = whenConnected(redis, 1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await connected).toBe(false);
    expect(redis.listenerCount('ready')).toBe(0);
  });
});
