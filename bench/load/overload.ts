import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { createClient } from '../../testing/client.ts';
import { readPhoto } from '../../testing/images/host.ts';
import { startProcess } from '../../testing/processes/service.ts';
import { startRedis } from '../../testing/redis/single.ts';

/**
 * What ten times the load that the machine can carry does to single requests: how long those take that are let in, how
 * soon the others are told to come back, what it costs in memory, and how soon it is over. Inline images, unique texts,
 * caches off; the load generator takes its share of the same cores.
 *
 * `npm run bench:overload -- [seconds] [times]`, by default 60 and 10
 */
if (process.argv.includes('--help')) {
  process.stdout.write('npm run bench:overload -- [seconds] [times], by default 60 and 10\n');
  process.exit(0);
}
// What this has started ends with it, by the handlers of `exit` and by channels that close.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const seconds = Number(process.argv[2] ?? 60);
const times = Number(process.argv[3] ?? 10);
const say = (line: string) => process.stdout.write(`${line}\n`);
const percentile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

const redis = await startRedis();
const service = await startProcess('service', {
  REDIS_URL: redis.url,
  EMBEDDING_CACHE_MB: '0',
  LOG_LEVEL: 'error',
});
const client = createClient(service.url);
const photo = readPhoto('coffee.jpg');
let number = 0;
/** What follows a JPEG's end is not decoded, and makes it another one: equal images in hand would be embedded once. */
const body = () => {
  const image = Buffer.concat([photo, Buffer.from(String(number))]).toString('base64');
  return JSON.stringify({ image, text: `a cup of coffee number ${number++}` });
};

/** Resident memory of the API, without its encoders, in MiB. */
const memory = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** Milliseconds of the answers with each status, and how many requests got none. */
async function load(duration: number, connections: number, rate?: number) {
  const answers = new Map<number, number[]>();
  const run = autocannon({
    url: `${service.url}/evaluator/v1/evaluation/single`,
    duration,
    connections,
    ...(rate !== undefined && { overallRate: rate }),
    setupClient: (connection) =>
      connection.on('response', (status, _bytes, milliseconds) => {
        const known = answers.get(status);
        if (known === undefined) answers.set(status, [milliseconds]);
        else known.push(milliseconds);
      }),
    requests: [
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => ({ ...request, body: body() }),
      },
    ],
  });
  return { answers, errors: (await run).errors };
}

for (let warm = 0; warm < 40; warm++)
  await client.call('/v1/evaluation/single', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body(),
  });

// The machine carries what it answers at the best number of connections, each sending as soon as it is answered.
let capacity = 0;
let calm = 0;
for (const connections of [1, 2, 4, 8, 16]) {
  const answered = (await load(8, connections)).answers.get(200) ?? [];
  const rate = answered.length / 8;
  const p95 = percentile(answered, 0.95);
  say(
    `carried    ${rate.toFixed(1)}/s over ${connections} connections, p50 ${percentile(answered, 0.5).toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`,
  );
  if (rate > capacity) [capacity, calm] = [rate, p95];
}

let halfway = 0;
setTimeout(() => {
  halfway = memory();
}, seconds * 500);
const { answers, errors } = await load(seconds, 200, Math.round(times * capacity));
const accepted = answers.get(200) ?? [];
const refused = answers.get(503) ?? [];
const strained = percentile(accepted, 0.95);
const sent = [...answers.values()].reduce((sum, { length }) => sum + length, 0);
say(
  `offered    ${(sent / seconds).toFixed(0)}/s for ${seconds} s (${times} x capacity asked for), ${errors} without an answer`,
);
say(
  `accepted   ${(accepted.length / seconds).toFixed(1)}/s, p50 ${percentile(accepted, 0.5).toFixed(0)} ms, p95 ${strained.toFixed(0)} ms: ${(strained / calm).toFixed(2)} x`,
);
say(
  `refused    ${(refused.length / seconds).toFixed(0)}/s, p50 ${percentile(refused, 0.5).toFixed(1)} ms, p95 ${percentile(refused, 0.95).toFixed(1)} ms`,
);
const others = [...answers].filter(([status]) => status !== 200 && status !== 503);
if (others.length > 0) say(`others     ${others.map(([status, { length }]) => `${length} x ${status}`).join(', ')}`);

const stoppedAt = performance.now();
for (;;) {
  const askedAt = performance.now();
  const { status } = await client.call('/v1/evaluation/single', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body(),
  });
  if (status === 200 && performance.now() - askedAt <= calm) break;
  await delay(50);
}
say(`recovered  ${((performance.now() - stoppedAt) / 1000).toFixed(2)} s after the load`);
say(`memory     ${halfway.toFixed(0)} MiB halfway, ${memory().toFixed(0)} MiB after`);
await service.stop();
await redis.remove();
