import { availableParallelism } from 'node:os';
import { postBatch, readResults, whenEnded } from '../../testing/batch-client.ts';
import { type Installation, install } from '../../testing/processes/installation.ts';
import type { Role } from '../../testing/processes/service.ts';
import { meterCpu } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { recordTraffic, replayTraffic } from '../../testing/redis/traffic.ts';
import { sum } from '../../testing/statistics.ts';
import { type Figure, figure } from '../figures.ts';

/** Concurrent batches of equal size. Each uses one API process, in turn. */
interface Load {
  batches: number;
  itemsOfBatch: number;
}

interface Run extends Load {
  apis: number;
  workers: number;
  itemsPerSecond: number;
  /**
   * The CPU time of an item in microseconds, by kind of process. `client` is the benchmark, which posts batches and
   * reads results.
   */
  cpu: Record<'api' | 'worker' | 'redis' | 'client', number>;
  /** The share of one core that Redis used. */
  redisShare: number;
  clientShare: number;
  /** The share of all cores that was idle. */
  idleShare: number;
}

const shapes = [
  [1, 1],
  [1, 2],
  [2, 2],
  [2, 4],
  [3, 4],
] as const;
const concurrentBatches = 6;
/** The items of a small batch, which the service divides into 32 chunks of four. */
const smallBatch = 128;

/**
 * Measures the control plane (API, queue and workers, without scoring) with several API processes and workers, and the
 * maximum throughput of one Redis: extrapolated, and by replaying recorded commands.
 * @param items the number of items of each run.
 */
export async function benchControlPlaneScale(items: number, say: (line: string) => void): Promise<Figure[]> {
  const load = { batches: concurrentBatches, itemsOfBatch: Math.ceil(items / concurrentBatches) };
  const runs: Run[] = [];
  for (const [apis, workers] of shapes) {
    say(`control-plane-scale: APIs ${apis}, workers ${workers}, ${readable(items)} items`);
    runs.push(await runShape(apis, workers, load));
  }
  const alone: Figure[] = [];
  for (const itemsOfBatch of [Math.ceil(items / 4), smallBatch]) {
    const batches = itemsOfBatch === smallBatch ? Math.ceil(items / 16 / smallBatch) : 1;
    say(`control-plane-scale: Redis alone, batches of ${readable(itemsOfBatch)} items`);
    alone.push(await redisAlone({ batches, itemsOfBatch }));
  }
  return [...runs.flatMap(figuresOf), extrapolated(runs), ...alone];
}

const roles = (apis: number, workers: number): [Role, ...Role[]] => [
  'stub-api',
  ...Array.from({ length: apis - 1 }, (): Role => 'stub-api'),
  ...Array.from({ length: workers }, (): Role => 'stub-worker'),
];

async function runShape(apis: number, workers: number, load: Load): Promise<Run> {
  const plane = await install({ roles: roles(apis, workers), latencies: [] });
  const pids = plane.processes.map(({ pid }) => pid);
  try {
    await work(plane, apis, { batches: concurrentBatches, itemsOfBatch: 4_000 });
    const meter = meterCpu({ api: pids.slice(0, apis), worker: pids.slice(apis), redis: [plane.redis.pid()] });
    await work(plane, apis, load);
    const { wall, cpu, idle } = meter.stop();
    const items = load.batches * load.itemsOfBatch;
    const seconds = (name: string) => cpu[name] ?? 0;
    const perItem = (name: string) => (1e6 * seconds(name)) / items;
    return {
      ...load,
      apis,
      workers,
      itemsPerSecond: items / wall,
      cpu: { api: perItem('api'), worker: perItem('worker'), redis: perItem('redis'), client: perItem('client') },
      redisShare: seconds('redis') / wall,
      clientShare: seconds('client') / wall,
      idleShare: idle / wall / availableParallelism(),
    };
  } finally {
    await plane.close();
  }
}

async function work({ processes }: Installation, apis: number, { batches, itemsOfBatch }: Load): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let batch = next++; batch < batches; batch = next++) {
      const base = processes[batch % apis]?.url ?? '';
      const id = await postBatch(base, itemsOfBatch);
      const scored = await whenEnded(base, id);
      if (scored !== itemsOfBatch) throw new Error(`${scored} of ${itemsOfBatch} items have a score`);
      await readResults(base, id, itemsOfBatch);
    }
  };
  await Promise.all(Array.from({ length: concurrentBatches }, lane));
}

/** Records the Redis commands of a load, then measures their replay to a fresh Redis without pauses. */
async function redisAlone(load: Load): Promise<Figure> {
  const [recorded, fresh] = [await startRedis(), await startRedis()];
  const recording = await recordTraffic(recorded);
  const plane = await install({ redis: recorded, roles: roles(1, 2), latencies: [] });
  const traffic = await work(plane, 1, load)
    .then(() => recording.stop())
    .finally(() => plane.close());
  const { wall, cpu } = await replayTraffic(fresh, traffic);
  await Promise.all([recorded.remove(), fresh.remove()]);
  const chunks = load.batches * chunksOf(load.itemsOfBatch);
  return figure(
    `control-plane-scale/redis-alone-${load.itemsOfBatch === smallBatch ? 'small' : 'large'}`,
    `Redis saturated by batches of ${readable(load.itemsOfBatch)} items`,
    chunks / wall,
    'chunks/s',
    [
      `${readable((load.batches * load.itemsOfBatch) / wall)} items/s`,
      `${readable((1e6 * cpu) / chunks)} CPU-us a chunk`,
      `${readable(traffic.commands / chunks)} commands a chunk`,
      `Redis was busy for ${percent(cpu / wall)} of the time of a core and waited for the disk in the rest`,
    ].join(', '),
  );
}

/** Returns the number of chunks of a batch: 32 chunks of four items, then chunks of 64. */
const chunksOf = (items: number): number =>
  items <= smallBatch ? Math.ceil(items / 4) : 32 + Math.ceil((items - smallBatch) / 64);

const percent = (share: number) => `${readable(100 * share)} %`;

function figuresOf({ apis, workers, itemsPerSecond, cpu, redisShare, clientShare, idleShare }: Run): Figure[] {
  const shape = `APIs ${apis}, workers ${workers}`;
  const id = (what: string) => `control-plane-scale/${what}-${apis}-${workers}`;
  const { client, ...service } = cpu;
  const parts = Object.entries(service).map(([kind, value]) => `${kind} ${readable(value)}`);
  const busy = `Redis used ${percent(redisShare)} of a core, the client ${percent(clientShare)}; ${percent(idleShare)} of all cores were idle`;
  const cost = `${parts.join(', ')}; the client ${readable(client)}`;
  return [
    figure(id('rate'), `from the post to the reading of the results, ${shape}`, itemsPerSecond, 'items/s', busy),
    figure(id('cpu'), `CPU time per item, ${shape}`, sum(Object.values(service)), 'us', cost),
  ];
}

/** Extrapolates the fastest run to one whole core of Redis. */
function extrapolated(runs: readonly Run[]): Figure {
  const fastest = runs.reduce((best, run) => (run.itemsPerSecond > best.itemsPerSecond ? run : best));
  const { cpu, itemsOfBatch, apis, workers } = fastest;
  return figure(
    'control-plane-scale/redis-extrapolated',
    'extrapolated to one full core of Redis',
    (1e6 / cpu.redis) * (chunksOf(itemsOfBatch) / itemsOfBatch),
    'chunks/s',
    `${readable(1e6 / cpu.redis)} items/s at ${readable(cpu.redis)} us, with APIs ${apis}, workers ${workers}`,
  );
}
