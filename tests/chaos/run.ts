import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { createClient } from '../../testing/client.ts';
import { endOnSignals, print, readWords } from '../../testing/command.ts';
import { freePort } from '../../testing/free-port.ts';
import { captions, photoNames, startImageHost } from '../../testing/images/host.ts';
import { randomFrom } from '../../testing/mutations.ts';
import { startProcess, type TestProcess } from '../../testing/processes/service.ts';
import { childrenOf } from '../../testing/processes/tree.ts';
import { startRedis } from '../../testing/redis/single.ts';

/**
 * Evaluates a batch in peace, and again while encoders, workers, the API and Redis are killed at random; then both
 * must have the same outcomes, each item once. Everything runs on this machine and ends by itself.
 */
const { positionals } = readWords(
  'npm run chaos -- [items] [kills] [seed], by default 50000 20 and a seed that is printed',
  [],
);
endOnSignals();
const [items = 50_000, kills = 20, seed = Date.now() % 1_000_000] = positionals.map(Number);

/** The same seed kills in the same order. */
const random = randomFrom(seed);
const pickOf = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;

const host = await startImageHost();
const redis = await startRedis();
const apiPort = await freePort();
const env = {
  REDIS_URL: redis.url,
  IMAGE_HOSTS_ALLOW: host.authority,
  ENCODERS: '1',
  // With its cache a worker would be through before anybody could be killed.
  EMBEDDING_CACHE_MB: '0',
  LOG_LEVEL: 'fatal',
};
const startApi = () => startProcess('api', { ...env, PORT: String(apiPort) });
const startWorker = () => startProcess('worker', env);

let api = await startApi();
const workers: TestProcess[] = [await startWorker(), await startWorker()];
const client = createClient(`http://127.0.0.1:${apiPort}`);
const texts = Object.values(captions);

function* lines(): Generator<string> {
  for (let index = 0; index < items; index++) {
    const name = index % 97 === 13 ? 'missing.jpg' : (photoNames[index % 6] ?? '');
    yield `${JSON.stringify({ id: `i${index}`, image: host.url(`${name}?${index}`), text: texts[Math.floor(index / 6) % 6] })}\n`;
  }
}

/** Posts until it is acknowledged: a client whose API dies tries again, with the same key. */
async function post(key: string): Promise<string> {
  const body = [...lines()].join('');
  for (;;) {
    const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': key };
    const answer = await client
      .call<BatchStatus>('/v1/evaluation/batch', { method: 'POST', body, headers })
      .catch(() => undefined);
    if (answer?.status === 202) return answer.body.id;
    await delay(200);
  }
}

async function finished(id: string): Promise<BatchStatus> {
  for (;;) {
    const answer = await client.batch.status(id).catch(() => undefined);
    if (answer?.status === 200 && answer.body.finishedAt !== null) return answer.body;
    await delay(200);
  }
}

async function resultsOf(id: string): Promise<ItemResult[]> {
  const answer = await client.call<string>(`/v1/evaluation/batch/${id}/results`, {
    headers: { accept: 'application/x-ndjson' },
  });
  return answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ItemResult);
}

const victims = {
  encoder: async () => {
    const pids = workers.flatMap(({ pid }) => childrenOf(pid, 'vls-encoder'));
    if (pids.length > 0) process.kill(pickOf(pids), 'SIGKILL');
  },
  worker: async () => {
    const at = Math.floor(random() * workers.length);
    await workers[at]?.kill();
    workers[at] = await startWorker();
  },
  api: async () => {
    await api.kill();
    api = await startApi();
  },
  redis: async () => {
    await redis.kill();
    await delay(500);
    await redis.start();
  },
};

print(`${items} items, ${kills} kills, seed ${seed}`);
let from = performance.now();
const quietId = await post('quiet');
const quietStatus = await finished(quietId);
const quiet = await resultsOf(quietId);
print(`quiet: ${((performance.now() - from) / 1000).toFixed(1)} s, ${JSON.stringify(quietStatus.items)}`);

from = performance.now();
const done: string[] = [];
let id: string | undefined;
const posting = post('chaos').then((posted) => {
  id = posted;
});
const step = Math.floor(items / (kills + 1));
for (let kill = 0; kill < kills; kill++) {
  // Spread over the batch, the first ones while it is still being posted.
  for (;;) {
    if (kill < 2) {
      await delay(100 + random() * 200);
      break;
    }
    await posting;
    const answer = await client.batch.status(id ?? '').catch(() => undefined);
    const { succeeded = 0, failed = 0 } = answer?.status === 200 ? answer.body.items : {};
    if (succeeded + failed >= kill * step || (answer?.status === 200 && answer.body.finishedAt !== null)) break;
    await delay(50);
  }
  const victim = pickOf(Object.keys(victims) as (keyof typeof victims)[]);
  await victims[victim]();
  done.push(victim);
}
await posting;
const status = await finished(id ?? '');
const results = await resultsOf(id ?? '');
print(
  `chaos: ${((performance.now() - from) / 1000).toFixed(1)} s, ${JSON.stringify(status.items)}, killed ${done.join(' ')}`,
);

const faults: string[] = [];
const expectEqual = (what: string, found: unknown, wanted: unknown) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    faults.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
};
expectEqual('items', status.items, quietStatus.items);
expectEqual('failures by code', status.failures, quietStatus.failures);
expectEqual('outcomes', results.length, items);
expectEqual('different items', new Set(results.map(({ index }) => index)).size, items);
const comparable = (result: ItemResult | undefined) =>
  result?.status === 'succeeded'
    ? [result.id, result.cosine]
    : result?.status === 'failed'
      ? [result.id, result.error.code]
      : result?.status;
let differences = 0;
for (const [at, result] of results.entries()) {
  if (JSON.stringify(comparable(result)) !== JSON.stringify(comparable(quiet[at])) && ++differences <= 5) {
    expectEqual(`item ${at}`, comparable(result), comparable(quiet[at]));
  }
}
expectEqual('results unlike the quiet run', differences, 0);

await Promise.all([api.stop(), ...workers.map((worker) => worker.stop())]);
await redis.remove();
await host.close();
for (const fault of faults) print(`FAULT ${fault}`);
print(faults.length === 0 ? `${items} items, each once, as in the quiet run` : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
