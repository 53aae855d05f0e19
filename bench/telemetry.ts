import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, createClient } from '../testing/client.ts';
import { captions, photoNames, startImageHost } from '../testing/images/host.ts';
import { startProcess } from '../testing/processes/service.ts';
import { childrenOf } from '../testing/processes/tree.ts';
import { startRedis } from '../testing/redis/single.ts';

/**
 * What traces cost: batches with the model `compact` on two installations, one that sends every trace and one that sends
 * none, in turns. CPU time is that of API, worker and encoders; the collector's is not theirs.
 *
 * `node bench/telemetry.ts [items] [rounds]`, by default 1500 7
 */
const [items = 1_500, rounds = 7] = process.argv.slice(2).map(Number);

/** Takes everything, and looks at none of it. */
const sink = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
});
await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
const host = await startImageHost();
const texts = Object.values(captions);

async function install(more: Record<string, string>) {
  const redis = await startRedis();
  const env = {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    ENCODERS: '1',
    // Measured by each for itself, it would not be the same.
    MICRO_BATCH: '1',
    EMBEDDING_CACHE_MB: '0',
    ...more,
  };
  const api = await startProcess('api', env);
  const worker = await startProcess('worker', env);
  const client = createClient(api.url);
  // Compilers are warm, and the micro-batch is measured, before anything counts.
  await client.batch.finished(await post(client, 300));
  return {
    client,
    /** CPU time of its processes so far, in milliseconds: of those that trace, and of all. */
    cpuMs() {
      const own = cpuMsOf(api.pid) + cpuMsOf(worker.pid);
      return { own, all: childrenOf(worker.pid).reduce((sum, pid) => sum + cpuMsOf(pid), own) };
    },
    async remove() {
      await Promise.all([api.stop(), worker.stop()]);
      await redis.remove();
    },
  };
}

async function post(client: Client, count: number): Promise<string> {
  const pairs = Array.from({ length: count }, (_, at) => ({
    image: host.url(`${photoNames[at % 6]}?${at}`),
    text: `${texts[at % 6]} ${at}`,
  }));
  return (await client.batch.post(pairs)).body.id;
}

function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measure({ client, cpuMs }: Awaited<ReturnType<typeof install>>) {
  const before = cpuMs();
  const start = performance.now();
  await client.batch.finished(await post(client, items));
  const seconds = (performance.now() - start) / 1000;
  const after = cpuMs();
  return {
    itemsPerSecond: items / seconds,
    own: (after.own - before.own) / items,
    all: (after.all - before.all) / items,
  };
}

const off = await install({});
const on = await install({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
const rows = [];
for (let round = 0; round < rounds; round++) {
  // Who goes first changes, as a machine gets slower or faster meanwhile.
  const isOffFirst = round % 2 === 0;
  const first = await measure(isOffFirst ? off : on);
  const second = await measure(isOffFirst ? on : off);
  const [without, traced] = isOffFirst ? [first, second] : [second, first];
  rows.push({
    'items/s off': rounded(without.itemsPerSecond, 1),
    'items/s on': rounded(traced.itemsPerSecond, 1),
    'CPU ms/item off': rounded(without.all, 3),
    'of it API, worker': rounded(without.own, 3),
    'the same on': rounded(traced.own, 3),
    'cost %': rounded(((traced.own - without.own) / without.all) * 100, 2),
  });
}
console.table(rows);
const costs = rows.map((row) => row['cost %']).sort((a, b) => a - b);
process.stdout.write(`Traces cost ${costs[Math.floor(costs.length / 2)]} % of the CPU time of a batch (median)\n`);
await Promise.all([off.remove(), on.remove()]);
await host.close();
sink.closeAllConnections();
sink.close();

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
