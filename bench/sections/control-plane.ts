import { Redis } from 'ioredis';
import { forgetBatch, postBatch, readResults, whenEnded } from '../../testing/batch-client.ts';
import { type Installation, install } from '../../testing/processes/installation.ts';
import { meterCpu, residentMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { sum } from '../../testing/statistics.ts';
import { type Figure, figure, least, most } from '../figures.ts';

/** The measurements of one batch, which is posted as NDJSON, evaluated by the stub, and read back. */
interface Run {
  items: number;
  itemsPerSecond: number;
  /** The CPU time of an item in microseconds. */
  cpu: Record<'api' | 'worker' | 'redis', number>;
  /** The maximum growth of the resident memory of the API process, in MiB. */
  apiMiB: number;
  redisBytesPerItem: number;
  seconds: { post: number; evaluate: number; read: number };
}

/**
 * Measures the control plane alone: a stub replaces downloading, decoding and inference. Redis writes each commit to
 * disk.
 * @param sizes the numbers of items of the batches.
 */
export async function benchControlPlane(sizes: readonly number[], say: (line: string) => void): Promise<Figure[]> {
  const plane = await install({ roles: ['stub-api', 'stub-worker'], latencies: [] });
  const monitor = new Redis(plane.redis.url, { maxRetriesPerRequest: null });
  try {
    await monitor.config('SET', 'slowlog-log-slower-than', 1_000);
    say('control-plane: 20,000 items, so that the JIT compilers of the processes are warm');
    await runBatch(plane, 20_000, monitor);
    const runs: Run[] = [];
    for (const items of sizes) {
      say(`control-plane: ${readable(items)} items`);
      runs.push(await runBatch(plane, items, monitor));
    }
    return [...runs.flatMap(figuresOfRun), ...figuresOfAll(runs), await slowestCommand(monitor)];
  } finally {
    monitor.disconnect();
    await plane.close();
  }
}

async function runBatch({ processes, redis }: Installation, items: number, monitor: Redis): Promise<Run> {
  const [{ url, pid: api }, worker] = processes;
  const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await monitor.info('memory'))?.[1] ?? 0);
  const usedBefore = await usedMemory();
  const idle = residentMiBOf(api);
  let peak = idle;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentMiBOf(api));
  }, 50);
  const meter = meterCpu({ api: [api], worker: [worker?.pid ?? 0], redis: [redis.pid()] });
  const start = performance.now();
  const id = await postBatch(url, items);
  const accepted = performance.now();
  await whenEnded(url, id);
  const finished = performance.now();
  await readResults(url, id, items);
  const end = performance.now();
  const { cpu } = meter.stop();
  clearInterval(sampling);
  const redisBytesPerItem = ((await usedMemory()) - usedBefore) / items;
  await forgetBatch(url, id);
  const perItem = (name: string) => (1e6 * (cpu[name] ?? 0)) / items;
  return {
    items,
    itemsPerSecond: items / ((end - start) / 1000),
    cpu: { api: perItem('api'), worker: perItem('worker'), redis: perItem('redis') },
    apiMiB: peak - idle,
    redisBytesPerItem,
    seconds: { post: (accepted - start) / 1000, evaluate: (finished - accepted) / 1000, read: (end - finished) / 1000 },
  };
}

const cpuOf = ({ cpu }: Run) => sum(Object.values(cpu));
const named = (values: Record<string, number>, unit = '') =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${readable(value)}${unit}`)
    .join(', ');

function figuresOfRun(run: Run): Figure[] {
  const { items, itemsPerSecond, seconds, cpu } = run;
  const size = `${readable(items)} items`;
  return [
    figure(
      `control-plane/rate-${items}`,
      `from the post to the reading of the results, ${size}`,
      itemsPerSecond,
      'items/s',
      named(seconds, ' s'),
      least(30_000),
    ),
    figure(`control-plane/cpu-${items}`, `CPU time per item, ${size}`, cpuOf(run), 'us', named(cpu), most(65)),
  ];
}

function figuresOfAll(runs: readonly Run[]): Figure[] {
  const bySize = runs.toSorted((a, b) => a.items - b.items);
  const [smallest, largest] = [bySize[0], bySize.at(-1)];
  if (largest === undefined || smallest === undefined) return [];
  const size = `${readable(largest.items)} items`;
  const [costOfLargest, costOfSmallest] = [cpuOf(largest), cpuOf(smallest)];
  const memory = `Redis ${readable(largest.redisBytesPerItem)} bytes an item`;
  const growth = `${readable(costOfLargest)} / ${readable(costOfSmallest)} us`;
  return [
    figure('control-plane/api-memory', `API memory above idle, ${size}`, largest.apiMiB, 'MiB', memory, most(150)),
    ...(largest.items === smallest.items
      ? []
      : [
          figure(
            'control-plane/cost-growth',
            `CPU time per item, ${size} / ${readable(smallest.items)}`,
            costOfLargest / costOfSmallest,
            '',
            growth,
            most(1.1),
          ),
        ]),
  ];
}

async function slowestCommand(monitor: Redis): Promise<Figure> {
  const slow = (await monitor.call('SLOWLOG', 'GET', 128)) as [number, number, number, string[]][];
  const [slowest] = slow.sort((a, b) => b[2] - a[2]);
  const [ms, command] =
    slowest === undefined ? [0, 'none took a millisecond'] : [slowest[2] / 1000, slowest[3][0] ?? ''];
  return figure('control-plane/slowest-command', 'slowest Redis command', ms, 'ms', command, most(50));
}
