import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '../../testing/client.ts';
import { forkScript } from '../../testing/processes/forked.ts';
import { startProcess } from '../../testing/processes/service.ts';
import { childrenOf } from '../../testing/processes/tree.ts';
import { type CpuUse, meterCpu } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { mean, median, percentile } from '../../testing/statistics.ts';
import type { Figure } from '../figures.ts';
import { measureRoofline, type Roofline } from '../measure/roofline.ts';
import type { BenchModel } from '../models.ts';

/** Latency of the images that the batch is compared with sequential singles on, in milliseconds. */
const farMs = 150;

/** CPU that may go elsewhere without the figures losing their meaning. */
const quietPercent = 5;

interface Run {
  pairs: number;
  pairsPerSecond: number;
  use: CpuUse;
}

/** What a service with this model did, in one life of it. */
interface Measured {
  /** A batch of near images, with nothing beside it. */
  alone: Run;
  /** A batch of far images. */
  far: Run;
  /** The same batch as `alone`, while singles came in. */
  beside: Run;
  /** Singles one after the other, in milliseconds. */
  farSingles: number[];
  idleSingles: number[];
  busySingles: number[];
}

/**
 * How close a batch comes to what the machine can do, and what a single request costs: ratios within one run, unique
 * images and texts, caches off, API and worker in one process.
 */
export async function benchInference(
  section: string,
  model: BenchModel,
  { quick, env, say }: { quick: boolean; env: Record<string, string>; say: (line: string) => void },
): Promise<Figure[]> {
  const effort = quick ? 'quick' : 'full';
  const roofline = () => measureRoofline(model.name, model.stageSeconds[effort], env);
  say(`${section}: stages`);
  const before = await roofline();
  say(`${section}: batches and singles`);
  const measured = await measureService(model, model.items[effort], env);
  // The machine may be slower or faster by now: the batch lies between two measurements of what it is compared with.
  const rooflines = quick ? [before] : [before, await roofline()];
  return figuresOf(section, model, rooflines, measured);
}

async function measureService(model: BenchModel, items: number, env: Record<string, string>): Promise<Measured> {
  const redis = await startRedis();
  const near = await forkScript<{ authority: string }>('bench/processes/image-server.ts', ['0', 'even']);
  const far = await forkScript<{ authority: string }>('bench/processes/image-server.ts', [String(farMs), 'even']);
  const service = await startProcess('service', {
    ...env,
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: `${near.ready.authority},${far.ready.authority}`,
    EMBEDDING_CACHE_MB: '0',
    LOG_LEVEL: 'error',
    MODEL: model.name,
  });
  const client = createClient(service.url);
  let next = 0;
  const pairFrom = ({ ready }: typeof near) => {
    const index = next++;
    return {
      image: `http://${ready.authority}/picture.jpg?n=${index}`,
      text: `a photo of thing number ${index} on a table`,
    };
  };

  async function batch(host: typeof near, count: number): Promise<Run> {
    const pairs = Array.from({ length: count }, () => pairFrom(host));
    const meter = meterCpu({
      images: [host.pid],
      redis: [redis.pid()],
      service: [service.pid],
      encoders: childrenOf(service.pid),
    });
    const begin = performance.now();
    const { body } = await client.batch.post(pairs);
    const status = await client.batch.finished(body.id);
    const seconds = (performance.now() - begin) / 1000;
    const use = meter.stop();
    if (status.items.succeeded !== count) throw new Error(`The batch failed: ${JSON.stringify(status)}`);
    return { pairs: count, pairsPerSecond: count / seconds, use };
  }
  async function single(host: typeof near): Promise<number> {
    const begin = performance.now();
    const answer = await client.single(pairFrom(host));
    if (answer.status !== 200) throw new Error(`The single failed: ${JSON.stringify(answer.body)}`);
    return performance.now() - begin;
  }
  /** As many as fit into the time, and no fewer than five. */
  async function singles(host: typeof near, most: number, seconds: number): Promise<number[]> {
    const times: number[] = [];
    const until = performance.now() + seconds * 1000;
    while (times.length < 5 || (times.length < most && performance.now() < until)) times.push(await single(host));
    return times;
  }

  try {
    await batch(near, Math.ceil(items / 10));
    const alone = await batch(near, items);
    const farRun = await batch(far, items);
    const farSingles = await singles(far, 30, 15);
    const idleSingles = await singles(near, 100, 20);

    // Far enough apart that the singles themselves take little of the machine.
    const pauseMs = Math.max(200, 3 * median(idleSingles));
    const busySingles: number[] = [];
    let running = true;
    const besides = batch(near, items).finally(() => {
      running = false;
    });
    while (running) {
      busySingles.push(await single(near));
      await Promise.race([delay(pauseMs), besides]);
    }
    return { alone, far: farRun, beside: await besides, farSingles, idleSingles, busySingles };
  } catch (cause) {
    throw new Error(`${(cause as Error).message}; the service said:\n${service.output()}`, { cause });
  } finally {
    await service.stop();
    await Promise.all([near.stop(), far.stop()]);
    await redis.remove();
  }
}

function figuresOf(section: string, model: BenchModel, rooflines: Roofline[], measured: Measured): Figure[] {
  const { alone, far, beside, farSingles, idleSingles, busySingles } = measured;
  const pairs = mean(rooflines.map((roofline) => roofline.pairs));
  const stagesOf = (name: 'decode' | 'vision' | 'text') => readable(mean(rooflines.map((roofline) => roofline[name])));
  const bareMs = mean(rooflines.map((roofline) => roofline.bareMs));
  const { wall, cpu, idle, others } = alone.use;
  const machineSeconds = availableParallelism() * wall;
  const own = (cpu['images'] ?? 0) + (cpu['client'] ?? 0);
  const cpuMs = mean(rooflines.map((roofline) => roofline.cpuMs));
  const useful = (alone.pairs * cpuMs) / 1000;
  const net = pairs * (1 - own / machineSeconds);
  const share = (seconds: number) => `${((100 * seconds) / machineSeconds).toFixed(1)} %`;
  const shares = ['encoders', 'service', 'redis', 'images', 'client'].map((part) => `${part} ${share(cpu[part] ?? 0)}`);
  const sequentialRate = 1000 / mean(farSingles);
  const idleP95 = percentile(idleSingles, 0.95);
  const least = (value: number | undefined) => (value === undefined ? {} : { target: { least: value } });
  return [
    {
      id: `${section}/batch-over-roofline`,
      name: 'batch / roofline',
      value: alone.pairsPerSecond / pairs,
      unit: '',
      ...least(model.targets.roofline),
      detail: `${readable(alone.pairsPerSecond)} of ${rooflines.map((one) => readable(one.pairs)).join(' and ')} pairs/s (decode ${stagesOf('decode')}, vision ${stagesOf('vision')}, text ${stagesOf('text')})`,
    },
    {
      id: `${section}/batch-over-net-roofline`,
      name: "batch / roofline net of the bench's own CPU",
      value: alone.pairsPerSecond / net,
      unit: '',
      detail: `image server and client took ${share(own)} of all CPU`,
    },
    {
      id: `${section}/batch-over-cpu-roofline`,
      name: 'the same in CPU time, net of other programs too',
      value: useful / (machineSeconds - own - others),
      unit: '',
      detail: `${readable(useful)} CPU-s of bare stages in ${readable(machineSeconds - own - others)}, ${readable(cpuMs)} ms a pair`,
    },
    {
      id: `${section}/cpu-idle`,
      name: 'CPU left idle by the batch',
      value: (100 * idle) / machineSeconds,
      unit: '%',
      detail: shares.join(', '),
    },
    {
      id: `${section}/cpu-others`,
      name: 'CPU that other programs took meanwhile',
      value: (100 * others) / machineSeconds,
      unit: '%',
      target: { most: quietPercent },
      detail: 'above it, the machine is not quiet and the figures of this model say little',
    },
    {
      id: `${section}/batch-over-singles`,
      name: `batch / sequential singles, images of ${farMs} ms`,
      value: far.pairsPerSecond / sequentialRate,
      unit: '',
      ...least(model.targets.overSingles),
      detail: `${readable(far.pairsPerSecond)} of ${readable(sequentialRate)} pairs/s`,
    },
    {
      id: `${section}/single-over-bare`,
      name: 'single p50 / bare decode + inference p50',
      value: median(idleSingles) / bareMs,
      unit: '',
      target: { most: 1.3 },
      detail: `${readable(median(idleSingles))} of ${readable(bareMs)} ms`,
    },
    {
      id: `${section}/single-beside-batch`,
      name: 'single p95 beside a batch / idle',
      value: percentile(busySingles, 0.95) / idleP95,
      unit: '',
      target: { most: 4 },
      detail: `${readable(percentile(busySingles, 0.95))} of ${readable(idleP95)} ms, ${busySingles.length} singles`,
    },
    {
      id: `${section}/batch-beside-singles`,
      name: 'batch beside singles / alone',
      value: beside.pairsPerSecond / alone.pairsPerSecond,
      unit: '',
      target: { least: 0.85 },
      detail: `${readable(beside.pairsPerSecond)} of ${readable(alone.pairsPerSecond)} pairs/s`,
    },
  ];
}
