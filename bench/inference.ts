import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '../tests/support/client.ts';
import { startRedis } from '../tests/support/redis.ts';
import { startProcess } from '../tests/support/service.ts';

/**
 * How close a batch comes to what the machine can do, and what a single request costs: ratios within one run, unique
 * images and texts, caches off.
 *
 * `npm run bench:inference -- [model] [items]`, by default the default model and 1500
 */
const model = process.argv[2] || undefined;
const items = Number(process.argv[3] ?? 1_500);
const cores = availableParallelism();
const stageSeconds = 4;
const say = (line: string) => process.stdout.write(`${line}\n`);
const start = (file: string, args: string[]) =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: [] });

/** Pairs a second of one stage, with every core running that stage and nothing else. */
async function stage(name: 'decode' | 'vision' | 'text' | 'pair', processes = cores): Promise<number> {
  const children = Array.from({ length: processes }, () =>
    start('./stage.ts', [name, String(stageSeconds), ...(model ? [model] : [])]),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const rates = children.map(async (child) => {
    child.send('go');
    const [message] = (await once(child, 'message')) as [{ perSecond: number }];
    return message.perSecond;
  });
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
}

async function startImages(latencyMs: number): Promise<{ child: ChildProcess; authority: string }> {
  const child = start('./image-server.ts', [String(latencyMs)]);
  const [{ authority }] = (await once(child, 'message')) as [{ authority: string }];
  return { child, authority };
}

const pairOf = (authority: string, index: number) => ({
  image: `http://${authority}/picture.jpg?n=${index}`,
  text: `a photo of thing number ${index} on a table`,
});
const percentile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const round = (value: number, digits = 2) => Number(value.toFixed(digits));

const decode = await stage('decode');
const vision = await stage('vision');
const text = await stage('text');
const bare = await stage('pair', 1);
const roofline = 1 / (1 / decode + 1 / vision + 1 / text);
say(
  `${cores} cores. decode ${round(decode, 1)}/s, vision ${round(vision, 1)}/s, text ${round(text, 1)}/s: roofline ${round(roofline, 1)} pairs/s`,
);

const redis = await startRedis();
const near = await startImages(0);
const far = await startImages(150);
const service = await startProcess('service', {
  REDIS_URL: redis.url,
  IMAGE_HOSTS_ALLOW: `${near.authority},${far.authority}`,
  EMBEDDING_CACHE_MB: '0',
  LOG_LEVEL: 'error',
  ...(model && { MODEL: model }),
});
const client = createClient(service.url);

let next = 0;
async function batch(authority: string, count: number): Promise<number> {
  const pairs = Array.from({ length: count }, () => pairOf(authority, next++));
  const begin = performance.now();
  const { body } = await client.batch.post(pairs);
  const status = await client.batch.finished(body.id);
  if (status.items.succeeded !== count) throw new Error(JSON.stringify(status));
  return count / ((performance.now() - begin) / 1000);
}
async function single(authority: string): Promise<number> {
  const begin = performance.now();
  const answer = await client.single(pairOf(authority, next++));
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return performance.now() - begin;
}
async function singles(authority: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) times.push(await single(authority));
  return times;
}

await batch(near.authority, 100);
const alone = await batch(near.authority, items);
const withLatency = await batch(far.authority, items);
const sequential = await singles(far.authority, 30);
const idle = await singles(near.authority, 100);

// Singles every 200 ms while a batch keeps every evaluator busy.
const busy: number[] = [];
let running = true;
const loaded = batch(near.authority, items).finally(() => {
  running = false;
});
while (running) {
  busy.push(await single(near.authority));
  await delay(200);
}
const beside = await loaded;

const sequentialRate = 1000 / (sequential.reduce((sum, time) => sum + time, 0) / sequential.length);
console.table({
  'batch / roofline': { value: round(alone / roofline), of: `${round(alone, 1)} of ${round(roofline, 1)} pairs/s` },
  'batch / sequential singles, 150 ms images': {
    value: round(withLatency / sequentialRate),
    of: `${round(withLatency, 1)} of ${round(sequentialRate, 1)} pairs/s`,
  },
  'single p50 / bare pair': {
    value: round(percentile(idle, 0.5) / (1000 / bare)),
    of: `${round(percentile(idle, 0.5), 1)} of ${round(1000 / bare, 1)} ms`,
  },
  'single p95 beside a batch / idle': {
    value: round(percentile(busy, 0.95) / percentile(idle, 0.95)),
    of: `${round(percentile(busy, 0.95), 1)} of ${round(percentile(idle, 0.95), 1)} ms, ${busy.length} singles`,
  },
  'batch beside singles / alone': {
    value: round(beside / alone),
    of: `${round(beside, 1)} of ${round(alone, 1)} pairs/s`,
  },
});
await service.stop();
near.child.kill();
far.child.kill();
await redis.remove();
process.exit(0);
