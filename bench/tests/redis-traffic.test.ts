import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { batchKeys } from '../../shared/redis/keys.ts';
import { postBatch, whenEnded } from '../../testing/batch-client.ts';
import { startRedis, type TestRedis } from '../../testing/redis/single.ts';
import { recordTraffic, replayTraffic } from '../measure/redis-traffic.ts';
import { startControlPlane } from '../processes/control-plane.ts';

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
    const plane = await startControlPlane(recorded.url, 1, 1);
    onTestFinished(() => plane.stop());
    const id = await postBatch(plane.bases[0] ?? '', 1_000);
    expect(await whenEnded(plane.bases[0] ?? '', id)).toBe(1_000);
    const traffic = await recording.stop();

    const replayed = await someRedis();
    const { wall } = await replayTraffic(replayed, traffic);
    expect(wall).toBeGreaterThan(0);
    const batch = await batchIn(replayed, id);
    expect(batch.record).toMatchObject({ state: 'completed', total: '1000', succeeded: '1000' });
    expect(batch).toEqual(await batchIn(recorded, id));
  },
);
