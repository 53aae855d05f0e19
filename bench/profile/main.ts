import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '../../shared/config.ts';
import { createClient } from '../../testing/client.ts';
import { forkScript } from '../../testing/processes/forked.ts';
import { childrenOf } from '../../testing/processes/tree.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { table } from '../figures.ts';
import { type BenchModelId, benchModels, writeRegistry } from '../models.ts';
import { type CpuProfile, selfTimes } from './self-time.ts';
import type { StageTimes } from './stopwatch.ts';

const usage = `npm run profile -- [--model MODEL] [--items N] [--latency MS] [--out DIRECTORY]

  --model    one of ${Object.keys(benchModels).join(', ')}; compact by default
  --items    of the batch; about twenty seconds by default
  --latency  of the image server, in milliseconds; 0 by default
  --out      where the .cpuprofile files go; profile/<date> in DATA_DIR by default
`;
/** Functions that are shown of each process. */
const shown = 8;

// What the bench has started ends with it, by the handlers of `exit` and by channels that close.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exit(
  await main().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    return 1;
  }),
);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'compact' },
      items: { type: 'string' },
      latency: { type: 'string', default: '0' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!(values.model in benchModels)) throw new Error(`There is no model ${values.model}.\n\n${usage}`);
  const model = benchModels[values.model as BenchModelId];
  const items = Number(values.items ?? model.items.full);
  if (!Number.isInteger(items) || items < 1) throw new Error(`${values.items} is no number of items.\n\n${usage}`);
  const date = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const directory = resolve(values.out ?? join(readConfig().dataDir, 'profile', date));
  mkdirSync(directory, { recursive: true });

  const redis = await startRedis();
  const images = await forkScript<{ authority: string }>('bench/processes/image-server.ts', [values.latency, 'even']);
  const preload = new URL('./preload.ts', import.meta.url);
  preload.searchParams.set('directory', directory);
  const env = {
    ...writeRegistry(),
    REDIS_URL: redis.url,
    PORT: '0',
    IMAGE_HOSTS_ALLOW: images.ready.authority,
    EMBEDDING_CACHE_MB: '0',
    LOG_LEVEL: 'error',
    MODEL: model.name,
    NODE_OPTIONS: `--import=${preload.href}`,
  };
  const worker = await forkScript('bench/profile/worker.ts', [], env);
  const api = await forkScript<{ url: string }>('testing/processes/stub-service.ts', ['api'], env);
  const client = createClient(api.ready.url);
  let next = 0;
  async function batch(count: number): Promise<number> {
    const pairs = Array.from({ length: count }, () => {
      const index = next++;
      return {
        image: `http://${images.ready.authority}/picture.jpg?n=${index}`,
        text: `a photo of thing number ${index} on a table`,
      };
    });
    const begin = performance.now();
    const { body } = await client.batch.post(pairs);
    const status = await client.batch.finished(body.id);
    if (status.items.succeeded !== count) throw new Error(`The batch failed: ${JSON.stringify(status)}`);
    return (performance.now() - begin) / 1000;
  }

  try {
    await batch(Math.ceil(items / 10));
    await worker.ask('clear');
    const processes = 2 + childrenOf(worker.pid).length;
    writeFileSync(join(directory, 'start'), '');
    await untilThere(directory, '.sampling', processes);
    const seconds = await batch(items);
    const times = await worker.ask<StageTimes[]>('times');
    writeFileSync(join(directory, 'stop'), '');
    await untilThere(directory, '.cpuprofile', processes);
    process.stdout.write(`${items} items in ${readable(seconds)} s: ${readable(items / seconds)} items/s\n\n`);
    process.stdout.write(`${stageTable(times, seconds)}\n`);
  } finally {
    await Promise.all([worker.stop(), api.stop(), images.stop()]);
    await redis.remove();
    for (const name of readdirSync(directory)) {
      if (!name.endsWith('.cpuprofile')) rmSync(join(directory, name));
    }
  }
  for (const name of readdirSync(directory).sort()) process.stdout.write(`\n${functionTable(join(directory, name))}\n`);
  process.stdout.write('\nOpen a .cpuprofile in the Performance panel of Chromium, in VS Code or in speedscope.\n');
  return 0;
}

async function untilThere(directory: string, suffix: string, count: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (readdirSync(directory).filter((name) => name.endsWith(suffix)).length < count) {
    if (performance.now() > deadline || !existsSync(directory)) {
      throw new Error(`Not all ${count} processes could be profiled; ${directory} has what there is`);
    }
    await delay(50);
  }
}

function stageTable(times: readonly StageTimes[], seconds: number): string {
  return table(
    ['stage', 'calls', 'p50 ms', 'p95 ms', 'in hand on average'],
    times
      .toSorted((a, b) => a.stage.localeCompare(b.stage))
      .map(({ stage, calls, p50, p95, total }) => [
        stage,
        String(calls),
        readable(p50),
        readable(p95),
        // Little's law: how many were in this stage at a time.
        readable(total / 1000 / seconds),
      ]),
  );
}

function functionTable(file: string): string {
  const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile);
  const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = times
    .slice(0, shown)
    .map(({ name, milliseconds }) => [`${((100 * milliseconds) / total).toFixed(1)} %`, name]);
  return `${file}\n${table(['', 'own time'], rows)}`;
}
