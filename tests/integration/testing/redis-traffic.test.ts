import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { batchKeys } from '../../../shared/redis/keys.ts';
import { postBatch, whenEnded } from '../../../testing/batch-client.ts';
import { install } from '../../../testing/processes/installation.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { commandIn, recordTraffic, replayTraffic } from '../../../testing/redis/traffic.ts';

async function someRedis(): Promise<TestRedis> {
  const redis = await startRedis();
  onTestFinished(() => redis.remove());
  return redis;
}

async function batchIn(redis: TestRedis, id: string) {
  const client = new Redis(redis.url);
  const keys = batchKeys(client, id);
  const [record, done, output, log] = await Promise.all([
    client.hgetall(keys.batch),
    client.getBuffer(keys.done),
    client.hgetallBuffer(keys.output(0)),
    client.lrange(keys.log, 0, -1),
  ]);
  client.disconnect();
  // Scripts take the time from Redis, so a replay has its own.
  const timeless = Object.fromEntries(Object.entries(record).filter(([field]) => !/At$/.test(field)));
  return { record: timeless, done, output, log };
}

test.runIf(process.platform === 'linux')(
  'what a batch asked of Redis is asked of another one, which then has the same batch',
  async () => {
    const recorded = await someRedis();
    const recording = await recordTraffic(recorded);
    const plane = await install({ redis: recorded, roles: ['stub-api', 'stub-worker'], latencies: [] });
    onTestFinished(() => plane.close());
    const { url } = plane.processes[0];
    const id = await postBatch(url, 1_000);
    expect(await whenEnded(url, id)).toBe(1_000);
    const traffic = await recording.stop();

    const replayed = await someRedis();
    const { wall } = await replayTraffic(replayed, traffic);
    expect(wall).toBeGreaterThan(0);
    const batch = await batchIn(replayed, id);
    expect(batch.record).toMatchObject({ state: 'completed', total: '1000', succeeded: '1000' });
    expect(batch).toEqual(await batchIn(recorded, id));
  },
);

const text = (line: string) => commandIn(line).map((command) => command.toString('latin1'));

test('a line of MONITOR becomes its command, whatever its bytes', () => {
  expect(text(String.raw`+1700000000.123456 [0 unix:/tmp/a b/redis.sock] "SET" "k \"q\"" "\x00\xff\r\n\\x"`)).toEqual([
    '*3\r\n$3\r\nSET\r\n$5\r\nk "q"\r\n$6\r\n\x00\xff\r\n\\x\r\n',
  ]);
});

test('what scripts call, what waits, and what a connection says of itself is left out', () => {
  expect(text('+1700000000.1 [0 lua] "get" "k"')).toEqual([]);
  expect(text('+1700000000.1 [0 127.0.0.1:5] "bzpopmin" "k" "5"')).toEqual([]);
  expect(text('+1700000000.1 [0 127.0.0.1:5] "CLIENT" "SETNAME" "x"')).toEqual([]);
  expect(text('+OK')).toEqual([]);
});
