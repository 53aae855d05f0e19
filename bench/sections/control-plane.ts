import { Redis } from 'ioredis';
import { forgetBatch, postBatch, readResults, whenEnded } from '../../testing/batch-client.ts';
import { meterCpu, residentMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { sum } from '../../testing/statistics.ts';
import type { Figure } from '../figures.ts';
import { type ControlPlane, startControlPlane } from '../processes/control-plane.ts';

/** One batch, posted as NDJSON, evaluated by the stub and read back. */
interface Run {
  items: number;
  itemsPerSecond: number;
  /** CPU microseconds an item, by process. */
  cpu: Record<'api' | 'worker' | 'redis', number>;
  /** Most that the API held beyond what it held before. */
  apiMiB: number;
  redisBytesPerItem: number;
  seconds: { post: number; evaluate: number; read: number };
}

/**
 * The control plane alone: real API, real worker, real Redis with the append-only file written at every commit; fetch,
 * decode and inference are a stub.
 * @param sizes items of each batch, one after the other.
 */
export async function benchControlPlane(sizes: readonly number[], say: (line: string) => void): Promise<Figure[]> {
  const redis = await startRedis();
  const plane = await startControlPlane(redis.url, 1, 1);
  const monitor = new Redis(redis.url, { maxRetriesPerRequest: null });
  try {
    await monitor.config('SET', 'slowlog-log-slower-than', 1_000);
    const run = (items: number) => runBatch(plane, items, redis.pid(), monitor);
    say('control-plane: 20,000 items to warm the compilers');
    await run(20_000);
    const runs: Run[] = [];
    for (const items of sizes) {
      say(`control-plane: ${readable(items)} items`);
      runs.push(await run(items));
    }
    return figuresOf(runs, await slowestCommand(monitor));
  } finally {
    monitor.disconnect();
    await plane.stop();
    await redis.remove();
  }
}

async function runBatch(plane: ControlPlane, items: number, redisPid: number, monitor: Redis): Promise<Run> {
  const [base = ''] = plane.bases;
  const [api = 0] = plane.pids.api;
  const usedBefore = await usedMemory(monitor);
  const idle = residentMiBOf(api);
  let peak = idle;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentMiBOf(api));
  }, 50);
  const meter = meterCpu({ ...plane.pids, redis: [redisPid] });
  const start = performance.now();
  const id = await postBatch(base, items);
  const accepted = performance.now();
  await whenEnded(base, id);
  const finished = performance.now();
  await readResults(base, id, items);
  const end = performance.now();
  const { cpu } = meter.stop();
  clearInterval(sampling);
  const redisBytesPerItem = ((await usedMemory(monitor)) - usedBefore) / items;
  await forgetBatch(base, id);
  const perItem = (name: string) => (1e6 * (cpu[name] ?? 0)) / items;
  return {
    items,
    itemsPerSecond: items / ((end - start) / 1000),
    cpu: { api: perItem('api'), worker: perItem('worker'), redis: perItem('redis') },
    apiMiB: peak - idle,
    redisBytesPerItem,
    seconds: {
      post: (accepted - start) / 1000,
      evaluate: (finished - accepted) / 1000,
      read: (end - finished) / 1000,
    },
  };
}

/** Bytes Redis has allocated. */
const usedMemory = async (monitor: Redis) => Number(/used_memory:(\d+)/.exec(await monitor.info('memory'))?.[1] ?? 0);

async function slowestCommand(monitor: Redis): Promise<{ milliseconds: number; command: string }> {
  const slow = (await monitor.call('SLOWLOG', 'GET', 128)) as [number, number, number, string[]][];
  const [slowest] = slow.sort((a, b) => b[2] - a[2]);
  if (slowest === undefined) return { milliseconds: 0, command: 'none took a millisecond' };
  return { milliseconds: slowest[2] / 1000, command: slowest[3][0] ?? '' };
}

function figuresOf(runs: readonly Run[], slowest: { milliseconds: number; command: string }): Figure[] {
  const figures: Figure[] = runs.flatMap((run) => {
    const items = `${readable(run.items)} items`;
    const id = (what: string) => `control-plane/${what}-${run.items}`;
    const parts = Object.entries(run.cpu).map(([name, value]) => `${name} ${readable(value)}`);
    return [
      {
        id: id('rate'),
        name: `posted to read back, ${items}`,
        value: run.itemsPerSecond,
        unit: 'items/s',
        target: { least: 30_000 },
        detail: Object.entries(run.seconds)
          .map(([name, value]) => `${name} ${readable(value)} s`)
          .join(', '),
      },
      {
        id: id('cpu'),
        name: `CPU of an item, ${items}`,
        value: sum(Object.values(run.cpu)),
        unit: 'us',
        target: { most: 65 },
        detail: parts.join(', '),
      },
    ];
  });
  const smallest = runs.toSorted((a, b) => a.items - b.items)[0];
  const largest = runs.toSorted((a, b) => b.items - a.items)[0];
  if (largest === undefined || smallest === undefined) return figures;
  figures.push(
    {
      id: 'control-plane/api-memory',
      name: `API memory above idle, ${readable(largest.items)} items`,
      value: largest.apiMiB,
      unit: 'MiB',
      target: { most: 150 },
      detail: `Redis ${readable(largest.redisBytesPerItem)} bytes an item`,
    },
    {
      id: 'control-plane/slowest-command',
      name: 'slowest Redis command',
      value: slowest.milliseconds,
      unit: 'ms',
      target: { most: 50 },
      detail: slowest.command,
    },
  );
  if (largest.items > smallest.items) {
    const cost = (run: Run) => sum(Object.values(run.cpu));
    figures.push({
      id: 'control-plane/cost-growth',
      name: `CPU of an item, ${readable(largest.items)} items / ${readable(smallest.items)}`,
      value: cost(largest) / cost(smallest),
      unit: '',
      target: { most: 1.1 },
      detail: `${readable(cost(largest))} of ${readable(cost(smallest))} us`,
    });
  }
  return figures;
}
