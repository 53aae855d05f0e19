import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { findRedisServer } from '../start/redis/find.ts';

/**
 * Posts NDJSON to a real API, lets real workers commit it over a real Redis (AOF always), and reads the results back;
 * fetch, decode and inference are a stub. Prints items a second, CPU time per item, memory of the API and of Redis.
 *
 * `npm run bench:control-plane -- [items ...]`, by default 10000 200000 1000000
 */
const sizes = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), 'vls-bench-'));
const socket = join(directory, 'redis.sock');

const redis = spawn(
  findRedisServer() ?? 'redis-server',
  [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
  ],
  { stdio: 'ignore' },
);
const env = {
  ...process.env,
  REDIS_URL: socket,
  PORT: '0',
  METRICS_PORT: '0',
  DATA_DIR: directory,
  LOG_LEVEL: 'error',
};

async function startStub(role: 'api' | 'worker'): Promise<{ child: ChildProcess; url: string }> {
  const entry = fileURLToPath(new URL('./stub-service.ts', import.meta.url));
  const child = fork(entry, [role], { execArgv: [], env });
  const [message] = (await once(child, 'message')) as [{ type: string; url: string }];
  if (message.type !== 'ready') throw new Error(`The ${role} did not start`);
  return { child, url: message.url };
}

/** User and system CPU time of a process, in microseconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Resident memory of a process, in MiB: now, and its highest value. */
function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

function* lines(count: number): Generator<string> {
  const perPart = 500;
  for (let from = 0; from < count; from += perPart) {
    let part = '';
    for (let index = from; index < Math.min(count, from + perPart); index++) {
      const image = `https://cdn.example.org/images/2026/11/photo-${index}.jpg`;
      part += `{"id":"item-${index}","image":"${image}","text":"a photo of thing number ${index} on a table"}\n`;
    }
    yield part;
  }
}

const monitor = new Redis(socket, { retryStrategy: () => 50, maxRetriesPerRequest: null });
monitor.on('error', () => {});

/** Bytes Redis has allocated. */
const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await monitor.info('memory'))?.[1] ?? 0);

interface Status {
  id: string;
  state: string;
  finishedAt: string | null;
}

async function run(base: string, count: number, pids: Record<'api' | 'worker' | 'redis', number>) {
  const batches = `${base}/evaluator/v1/evaluation/batch`;
  const usedBefore = await usedMemory();
  const idle = memoryOf(pids.api).now;
  let peak = idle;
  const sampling = setInterval(() => {
    peak = Math.max(peak, memoryOf(pids.api).now);
  }, 50);
  const before = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuOf(pid)]));
  const start = performance.now();
  const body = Readable.toWeb(Readable.from(lines(count))) as ReadableStream;
  const headers = { 'content-type': 'application/x-ndjson' };
  const posted = await fetch(batches, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
  if (posted.status !== 202) throw new Error(`${posted.status}: ${await posted.text()}`);
  const { id } = (await posted.json()) as Status;
  const accepted = performance.now();
  for (;;) {
    const status = (await (await fetch(`${batches}/${id}`)).json()) as Status;
    if (status.finishedAt !== null) break;
    await delay(20);
  }
  const finished = performance.now();
  const results = await fetch(`${batches}/${id}/results`, { headers: { accept: 'application/x-ndjson' } });
  let newlines = 0;
  for await (const part of results.body ?? []) for (const byte of part as Uint8Array) if (byte === 10) newlines++;
  const end = performance.now();
  clearInterval(sampling);
  if (newlines !== count) throw new Error(`${newlines} results for ${count} items`);
  const cpu = Object.entries(pids).map(([name, pid]) => [name, (cpuOf(pid) - (before[name] ?? 0)) / count] as const);
  const row = {
    items: count,
    'items/s': Math.round(count / ((end - start) / 1000)),
    'CPU us/item': round(cpu.reduce((sum, [, value]) => sum + value, 0)),
    ...Object.fromEntries(cpu.map(([name, value]) => [`${name} us`, round(value)])),
    'post s': round((accepted - start) / 1000),
    'evaluate s': round((finished - accepted) / 1000),
    'read s': round((end - finished) / 1000),
    'API MiB above idle': Math.round(peak - idle),
    'Redis bytes/item': Math.round(((await usedMemory()) - usedBefore) / count),
  };
  await fetch(`${batches}/${id}`, { method: 'DELETE' });
  return row;
}

const round = (value: number) => Math.round(value * 10) / 10;

const worker = await startStub('worker');
const api = await startStub('api');
const pids = { api: api.child.pid ?? 0, worker: worker.child.pid ?? 0, redis: redis.pid ?? 0 };
const rows = [];
await monitor.config('SET', 'slowlog-log-slower-than', 1_000);
// The first run warms the compilers and is not shown.
await run(api.url, 20_000, pids);
for (const count of sizes.length > 0 ? sizes : [10_000, 200_000, 1_000_000]) rows.push(await run(api.url, count, pids));
console.table(rows);
const slow = (await monitor.call('SLOWLOG', 'GET', 128)) as [number, number, number, string[]][];
const slowest = slow.sort((a, b) => b[2] - a[2])[0];
process.stdout.write(
  `Slowest Redis command: ${slowest ? `${slowest[2] / 1000} ms (${slowest[3][0]})` : 'under 1 ms'}\n`,
);
monitor.disconnect();
for (const { child } of [api, worker]) {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
const ended = once(redis, 'exit');
redis.kill('SIGTERM');
await ended;
rmSync(directory, { recursive: true, force: true });
