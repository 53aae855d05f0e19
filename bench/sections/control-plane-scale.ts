import { availableParallelism } from 'node:os';
import { postBatch, readResults, whenEnded } from '../../testing/batch-client.ts';
import { meterCpu } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis, type TestRedis } from '../../testing/redis/single.ts';
import { sum } from '../../testing/statistics.ts';
import type { Figure } from '../figures.ts';
import { recordTraffic, replayTraffic, type Traffic } from '../measure/redis-traffic.ts';
import { type ControlPlane, startControlPlane } from '../processes/control-plane.ts';

/** Batches that are posted, waited for and read back side by side, in turns by all APIs. */
interface Load {
  batches: number;
  itemsOfBatch: number;
}

interface Run extends Load {
  apis: number;
  workers: number;
  itemsPerSecond: number;
  /** CPU microseconds an item, by kind of process; `client` posts and reads. */
  cpu: Record<'api' | 'worker' | 'redis' | 'client', number>;
  /** Shares of one core. */
  redisShare: number;
  clientShare: number;
  /** Share of all cores. */
  idleShare: number;
}

/** APIs and workers of each run. */
const shapes = [
  [1, 1],
  [1, 2],
  [2, 2],
  [2, 4],
  [3, 4],
] as const;
const concurrentBatches = 6;
/** A batch as small as this has only the chunks of four items that every batch begins with. */
const smallBatch = 128;

/**
 * The control plane with several APIs and workers, and what one Redis can carry: as far as the machine's cores reach,
 * and, with the very same commands, when nothing else is in its way.
 * @param items of each run.
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

async function runShape(apis: number, workers: number, load: Load): Promise<Run> {
  const redis = await startRedis();
  const plane = await startControlPlane(redis.url, apis, workers);
  try {
    await work(plane, { batches: concurrentBatches, itemsOfBatch: 4_000 });
    const meter = meterCpu({ ...plane.pids, redis: [redis.pid()] });
    await work(plane, load);
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
    await plane.stop();
    await redis.remove();
  }
}

/** At most `concurrentBatches` at a time. */
async function work({ bases }: ControlPlane, { batches, itemsOfBatch }: Load): Promise<void> {
  let next = 0;
  const post = async () => {
    for (let batch = next++; batch < batches; batch = next++) {
      const base = bases[batch % bases.length] ?? '';
      const id = await postBatch(base, itemsOfBatch);
      const scored = await whenEnded(base, id);
      if (scored !== itemsOfBatch) throw new Error(`${scored} of ${itemsOfBatch} items have a score`);
      await readResults(base, id, itemsOfBatch);
    }
  };
  await Promise.all(Array.from({ length: concurrentBatches }, post));
}

/** Everything that a load asks of Redis, asked of a fresh one without pause. */
async function redisAlone(load: Load): Promise<Figure> {
  const traffic = await withRedis((redis) => record(redis, load));
  const { wall, cpu } = await withRedis((redis) => replayTraffic(redis, traffic));
  const chunks = load.batches * chunksOf(load.itemsOfBatch);
  const items = load.batches * load.itemsOfBatch;
  return {
    id: `control-plane-scale/redis-alone-${load.itemsOfBatch === smallBatch ? 'small' : 'large'}`,
    name: `Redis saturated by batches of ${readable(load.itemsOfBatch)} items`,
    value: chunks / wall,
    unit: 'chunks/s',
    detail: [
      `${readable(items / wall)} items/s`,
      `${readable((1e6 * cpu) / chunks)} CPU-us a chunk`,
      `${readable(traffic.commands / chunks)} commands a chunk`,
      `busy ${percent(cpu / wall)} of a core, the rest waits for the disk`,
    ].join(', '),
  };
}

async function withRedis<Result>(use: (redis: TestRedis) => Promise<Result>): Promise<Result> {
  const redis = await startRedis();
  try {
    return await use(redis);
  } finally {
    await redis.remove();
  }
}

async function record(redis: TestRedis, load: Load): Promise<Traffic> {
  const recording = await recordTraffic(redis);
  const plane = await startControlPlane(redis.url, 1, 2);
  try {
    await work(plane, load);
    return await recording.stop();
  } finally {
    await plane.stop();
  }
}

/** By the rule of intake: 32 chunks of four items, then of 64. */
const chunksOf = (items: number): number =>
  items <= smallBatch ? Math.ceil(items / 4) : 32 + Math.ceil((items - smallBatch) / 64);

const percent = (share: number) => `${readable(100 * share)} %`;

function figuresOf({ apis, workers, itemsPerSecond, cpu, redisShare, clientShare, idleShare }: Run): Figure[] {
  const name = `APIs ${apis}, workers ${workers}`;
  const { client, ...service } = cpu;
  const parts = Object.entries(service).map(([kind, value]) => `${kind} ${readable(value)}`);
  return [
    {
      id: `control-plane-scale/rate-${apis}-${workers}`,
      name: `posted to read back, ${name}`,
      value: itemsPerSecond,
      unit: 'items/s',
      detail: `Redis ${percent(redisShare)} of a core, who posts and reads ${percent(clientShare)}; idle ${percent(idleShare)} of all`,
    },
    {
      id: `control-plane-scale/cpu-${apis}-${workers}`,
      name: `CPU of an item, ${name}`,
      value: sum(Object.values(service)),
      unit: 'us',
      detail: `${parts.join(', ')}; who posts and reads ${readable(client)}`,
    },
  ];
}

/** Where Redis would need a whole core, if its share went on growing as the items do. */
function extrapolated(runs: readonly Run[]): Figure {
  const fastest = runs.reduce((best, run) => (run.itemsPerSecond > best.itemsPerSecond ? run : best));
  const chunksOfItem = chunksOf(fastest.itemsOfBatch) / fastest.itemsOfBatch;
  return {
    id: 'control-plane-scale/redis-extrapolated',
    name: 'one core of Redis, by its CPU of an item',
    value: (1e6 / fastest.cpu.redis) * chunksOfItem,
    unit: 'chunks/s',
    detail: `${readable(1e6 / fastest.cpu.redis)} items/s at ${readable(fastest.cpu.redis)} us, with APIs ${fastest.apis}, workers ${fastest.workers}`,
  };
}
