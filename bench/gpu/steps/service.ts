import { availableParallelism } from 'node:os';
import { createClient } from '../../../testing/client.ts';
import { forkScript } from '../../../testing/processes/forked.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { childrenOf } from '../../../testing/processes/tree.ts';
import { type CpuUse, meterCpu } from '../../../testing/processes/usage.ts';
import { startRedis } from '../../../testing/redis/single.ts';
import { writeRegistry } from '../../models.ts';
import { watchGpu } from '../nvidia-smi.ts';
import { report, rounded, stepOptions } from '../step.ts';

/** Batches of distinct pairs through the service: images of 0.3 megapixels from a server on this machine, caches off. */
const { provider, precision, model, workers, pairs } = stepOptions();
const perBatch = 5_000;
const hosts = 2;

const redis = await startRedis();
const images = await Promise.all(
  Array.from({ length: hosts }, () =>
    forkScript<{ authority: string }>('bench/processes/image-server.ts', ['0', 'even']),
  ),
);
const env = {
  ...writeRegistry(),
  REDIS_URL: redis.url,
  DEVICE: provider,
  PRECISION: precision,
  IMAGE_HOSTS_ALLOW: images.map(({ ready }) => ready.authority).join(','),
  // Two image servers stand for the many hosts of a real batch.
  FETCH_PER_HOST: '256',
  EMBEDDING_CACHE_MB: '0',
  LOG_LEVEL: 'error',
  MODEL: model,
  PRELOAD: model,
};
const service = await startProcess('service', env);
const others = await Promise.all(Array.from({ length: workers - 1 }, () => startProcess('worker', env)));
const all = [service, ...others];
const client = createClient(service.url);
let next = 0;
const pair = () => {
  const index = next++;
  return {
    image: `http://${images[index % hosts]?.ready.authority}/picture.jpg?n=${index}`,
    text: `a photo of thing number ${index} on a table`,
  };
};

async function run(count: number): Promise<void> {
  const batches: Promise<void>[] = [];
  for (let left = count; left > 0; left -= perBatch) {
    const items = Array.from({ length: Math.min(left, perBatch) }, pair);
    const { body } = await client.batch.post(items);
    batches.push(
      client.batch.finished(body.id).then((status) => {
        if (status.items.succeeded !== items.length) throw new Error(`The batch failed: ${JSON.stringify(status)}`);
      }),
    );
  }
  await Promise.all(batches);
}

const encodersOf = (one: TestProcess) => childrenOf(one.pid, 'vls-encoder');
try {
  await run(Math.ceil(pairs / 8));
  const encoders = all.flatMap(encodersOf);
  const meter = meterCpu({
    images: images.map(({ pid }) => pid),
    redis: [redis.pid()],
    services: all.map(({ pid }) => pid),
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
  // Afterwards: for 30 s after a single request batches leave room for the next one.
  report({ ...result, singleP50Ms: await measureSingle() });
} catch (error) {
  report({ error: (error as Error).message, output: all.map((one) => one.output().slice(-2000)) });
  process.exitCode = 1;
}
await Promise.all(all.map((one) => one.kill()));
await Promise.all(images.map((one) => one.stop('SIGKILL')));
await redis.remove();
process.exit();

function perPair({ cpu, others: elsewhere }: CpuUse): Record<string, number> {
  const parts = { ...cpu, others: elsewhere };
  return Object.fromEntries(Object.entries(parts).map(([part, seconds]) => [part, rounded((1000 * seconds) / pairs)]));
}

/** The median of singles, one after the other. */
async function measureSingle(): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 15; at++) {
    const begin = performance.now();
    const { status, body } = await client.single(pair());
    if (status !== 200) throw new Error(`A single failed: ${JSON.stringify(body)}`);
    times.push(performance.now() - begin);
  }
  return rounded(times.sort((a, b) => a - b)[7] ?? Number.NaN);
}
