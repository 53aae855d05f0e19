import { availableParallelism } from 'node:os';
import { install } from '../../../testing/processes/installation.ts';
import type { TestProcess } from '../../../testing/processes/service.ts';
import { childrenOf } from '../../../testing/processes/tree.ts';
import { type CpuUse, meterCpu } from '../../../testing/processes/usage.ts';
import { writeRegistry } from '../../models.ts';
import { watchGpu } from '../nvidia-smi.ts';
import { report, rounded, stepOptions } from '../step.ts';

/**
 * Measures the throughput of the whole service for batches of distinct pairs. Image servers on this machine deliver
 * images of 0.3 megapixels. Caches are off.
 */
const { provider, precision, model, workers, pairs } = stepOptions();
const perBatch = 5_000;

const installation = await install({
  roles: ['service', ...Array.from({ length: workers - 1 }, () => 'worker' as const)],
  // The images of a real batch are on many hosts.
  latencies: [0, 0],
  env: {
    ...writeRegistry(),
    DEVICE: provider,
    PRECISION: precision,
    FETCH_PER_HOST: '256',
    MODEL: model,
  },
});
const { client, images, processes, redis } = installation;

/** Runs batches of at most 5,000 pairs concurrently. */
async function run(count: number): Promise<void> {
  const sizes = Array.from({ length: Math.ceil(count / perBatch) }, (_, at) =>
    Math.min(perBatch, count - at * perBatch),
  );
  await Promise.all(sizes.map((size) => installation.batch(size)));
}

const encodersOf = (one: TestProcess) => childrenOf(one.pid, 'vls-encoder');
try {
  await run(Math.ceil(pairs / 8));
  const encoders = processes.flatMap(encodersOf);
  const meter = meterCpu({
    images: images.map(({ pid }) => pid),
    redis: [redis.pid()],
    services: processes.map(({ pid }) => pid),
    encoders,
    decoders: encoders.flatMap((pid) => childrenOf(pid, 'vls-decoder')),
  });
  const gpu = watchGpu();
  const begin = performance.now();
  await run(pairs);
  const seconds = (performance.now() - begin) / 1000;
  const use = meter.stop();
  const result = {
    workers,
    pairs,
    pairsPerSecond: rounded(pairs / seconds),
    cpuMsEach: perPair(use),
    idlePercent: rounded((100 * use.idle) / (availableParallelism() * use.wall)),
    gpu: gpu.stop(),
  };
  report(result);
  // For 30 s after a single request, workers reserve capacity for more, which slows down batches.
  report({ ...result, singleP50Ms: await measureSingle() });
} catch (error) {
  report({ error: (error as Error).message, output: processes.map((one) => one.output().slice(-2000)) });
  process.exitCode = 1;
}
await Promise.all(processes.map((one) => one.kill()));
await Promise.all(images.map((one) => one.stop('SIGKILL')));
await redis.remove();
process.exit();

function perPair({ cpu, others: elsewhere }: CpuUse): Record<string, number> {
  const parts = { ...cpu, others: elsewhere };
  return Object.fromEntries(Object.entries(parts).map(([part, seconds]) => [part, rounded((1000 * seconds) / pairs)]));
}

async function measureSingle(): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 15; at++) {
    const begin = performance.now();
    const { status, body } = await client.single(installation.pair());
    if (status !== 200) throw new Error(`A single request failed: ${JSON.stringify(body)}`);
    times.push(performance.now() - begin);
  }
  return rounded(times.sort((a, b) => a - b)[7] ?? Number.NaN);
}
