import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { install } from '../../testing/processes/installation.ts';
import { childrenOf } from '../../testing/processes/tree.ts';
import { type CpuUse, meterCpu } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { mean, median, percentile } from '../../testing/statistics.ts';
import { type Figure, figure, least, most, type Target } from '../figures.ts';
import { measureRoofline, type Roofline } from '../measure/roofline.ts';
import type { BenchModel } from '../models.ts';

/** The latency in ms of the slow image server, which the `far` measurements use. */
const farMs = 150;

/** Figures are unreliable if other programs use more than this percentage of the CPU time. */
const quietPercent = 5;

interface Run {
  pairs: number;
  pairsPerSecond: number;
  use: CpuUse;
}

interface Measured {
  /** A batch of images from a fast host, without other work. */
  alone: Run;
  /** A batch of images from a slow host. */
  far: Run;
  /** The same batch as `alone`, with concurrent single requests. */
  together: Run;
  /**
   * Latencies in ms of sequential single requests: with the slow image server, with the fast one, and with the fast one
   * during `together`.
   */
  farSingles: number[];
  idleSingles: number[];
  busySingles: number[];
}

/**
 * Compares the throughput of a batch with the maximum of the machine, and measures single requests. Figures are ratios
 * within one run. Images and texts are unique, and caches are off.
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
  // Measured before and after the batch, because the speed of the machine may drift.
  const rooflines = quick ? [before] : [before, await roofline()];
  return figuresOf(section, model, rooflines, measured);
}

async function measureService(model: BenchModel, items: number, env: Record<string, string>): Promise<Measured> {
  const installation = await install({ latencies: [0, farMs], env: { ...env, MODEL: model.name } });
  const { client, images, processes, redis } = installation;
  const { pid } = processes[0];
  const [near, far] = [0, 1];

  async function batch(server: number, pairs: number): Promise<Run> {
    const meter = meterCpu({
      images: [images[server]?.pid ?? 0],
      redis: [redis.pid()],
      service: [pid],
      encoders: childrenOf(pid),
    });
    const { seconds } = await installation.batch(pairs, server);
    return { pairs, pairsPerSecond: pairs / seconds, use: meter.stop() };
  }
  async function single(server: number): Promise<number> {
    const begin = performance.now();
    const answer = await client.single(installation.pair(server));
    if (answer.status !== 200) throw new Error(`The single request failed: ${JSON.stringify(answer.body)}`);
    return performance.now() - begin;
  }
  /**
   * Sends at least five and at most `most` single requests, one after another, for `seconds`. Returns their latencies
   * in ms.
   */
  async function singles(server: number, most: number, seconds: number): Promise<number[]> {
    const times: number[] = [];
    const end = performance.now() + seconds * 1000;
    while (times.length < 5 || (times.length < most && performance.now() < end)) times.push(await single(server));
    return times;
  }

  try {
    await batch(near, Math.ceil(items / 10));
    const alone = await batch(near, items);
    const farRun = await batch(far, items);
    const farSingles = await singles(far, 30, 15);
    const idleSingles = await singles(near, 100, 20);

    // With this pause, single requests use little CPU time.
    const pauseMs = Math.max(200, 3 * median(idleSingles));
    const busySingles: number[] = [];
    let running = true;
    const together = batch(near, items).finally(() => {
      running = false;
    });
    while (running) {
      busySingles.push(await single(near));
      await Promise.race([delay(pauseMs), together]);
    }
    return { alone, far: farRun, together: await together, farSingles, idleSingles, busySingles };
  } finally {
    await installation.close();
  }
}

function figuresOf(section: string, model: BenchModel, rooflines: Roofline[], measured: Measured): Figure[] {
  const { alone, far, together, farSingles, idleSingles, busySingles } = measured;
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
  const { targets } = model;
  const of = (id: string, name: string, value: number, detail: string, target?: Target, unit = '') =>
    figure(`${section}/${id}`, name, value, unit, detail, target);
  const rates = (rate: number, others: string) => `${readable(rate)} / ${others} pairs/s`;
  const isLeast = (value: number | undefined) => (value === undefined ? undefined : least(value));
  return [
    of(
      'batch-over-roofline',
      'batch / roofline',
      alone.pairsPerSecond / pairs,
      `${rates(alone.pairsPerSecond, rooflines.map((one) => readable(one.pairs)).join(' and '))} (decode ${stagesOf('decode')}, vision ${stagesOf('vision')}, text ${stagesOf('text')})`,
      isLeast(targets.roofline),
    ),
    of(
      'batch-over-net-roofline',
      'batch / roofline, without the CPU time of the benchmark itself',
      alone.pairsPerSecond / net,
      `image server and client took ${share(own)} of all CPU`,
    ),
    of(
      'batch-over-cpu-roofline',
      'batch / roofline in CPU time, without other programs',
      useful / (machineSeconds - own - others),
      `${readable(useful)} CPU-s for the bare stages / ${readable(machineSeconds - own - others)} CPU-s available; ${readable(cpuMs)} CPU-ms a pair`,
    ),
    of('cpu-idle', 'CPU left idle by the batch', (100 * idle) / machineSeconds, shares.join(', '), undefined, '%'),
    of(
      'cpu-others',
      'CPU time that other programs used during the batch',
      (100 * others) / machineSeconds,
      'above the target, other programs distort the figures of this model',
      most(quietPercent),
      '%',
    ),
    of(
      'batch-over-singles',
      `batch / sequential singles, images of ${farMs} ms`,
      far.pairsPerSecond / sequentialRate,
      rates(far.pairsPerSecond, readable(sequentialRate)),
      isLeast(targets.overSingles),
    ),
    of(
      'single-over-bare',
      'single p50 / bare decode + inference p50',
      median(idleSingles) / bareMs,
      `${readable(median(idleSingles))} / ${readable(bareMs)} ms`,
      most(1.3),
    ),
    of(
      'single-beside-batch',
      'single p95 during a batch / idle',
      percentile(busySingles, 0.95) / idleP95,
      `${readable(percentile(busySingles, 0.95))} / ${readable(idleP95)} ms, ${busySingles.length} single requests`,
      most(4),
    ),
    of(
      'batch-beside-singles',
      'batch during singles / alone',
      together.pairsPerSecond / alone.pairsPerSecond,
      rates(together.pairsPerSecond, readable(alone.pairsPerSecond)),
      least(0.85),
    ),
  ];
}
