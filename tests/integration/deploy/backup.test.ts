import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProgram, findRedisServer } from '../../../start/redis/find.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { bucket, startS3, type TestS3 } from '../../../testing/s3/server.ts';
import { until } from '../../../testing/until.ts';

/** The steps of docs/backup.md: deploy/redis/redis.conf, `redis-cli --rdb`, a copy of the bucket, deploy/redis/restore.sh. */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const server = findRedisServer() ?? 'redis-server';
const hasCli = findProgram('redis-cli') !== undefined;
if (!hasCli) console.log('Skipped: backup and restore are not rehearsed, because redis-cli is not on the PATH.');

const run = promisify(execFile);
const env = { ...process.env, PATH: `${dirname(server)}${delimiter}${process.env['PATH']}` };
let directory: string;
let redis: ChildProcess | undefined;
let s3: TestS3 | undefined;
const running: TestProcess[] = [];

const socketOf = (data: string) => join(data, 'redis.sock');

async function startRedis(data: string): Promise<void> {
  const conf = join(root, 'deploy/redis/redis.conf');
  const args = [conf, '--port', '0', '--unixsocket', socketOf(data), '--dir', data];
  redis = spawn(server, args, { stdio: 'ignore', env });
  await until(() => run('redis-cli', ['-e', '-s', socketOf(data), 'ping']));
}

async function stopRedis(): Promise<void> {
  if (redis === undefined) return;
  const ended = once(redis, 'exit');
  redis.kill('SIGKILL');
  await ended;
  redis = undefined;
}

async function startStub(role: 'stub-api' | 'stub-worker', data: string, ...args: string[]): Promise<TestProcess> {
  const env = {
    ...s3?.env,
    REDIS_URL: socketOf(data),
    PAYLOADS: `s3://${bucket}/payloads,redis`,
    LOG_LEVEL: 'error',
  };
  const process = await startProcess(role, env, undefined, args);
  running.push(process);
  return process;
}

const itemsOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({ image: `https://images.example.org/${at}.jpg`, text: `${name} ${at}` }));

async function post(client: Client, name: string, count: number): Promise<string> {
  const { status, body } = await client.batch.post(itemsOf(name, count));
  expect(status).toBe(202);
  return body.id;
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vls-backup-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((process) => process.stop()));
  await stopRedis();
  await s3?.remove();
  rmSync(directory, { recursive: true, force: true });
});

test.skipIf(!hasCli)(
  'what was acknowledged before the backup is there after a restore of Redis and bucket, and is completed',
  async () => {
    s3 = await startS3();
    const [before, after] = ['before', 'after'].map((name) => join(directory, name)) as [string, string];
    for (const data of [before, after]) mkdirSync(data);
    await startRedis(before);
    const api = await startStub('stub-api', before);
    const client = createClient(api.url);

    // One batch is complete, one is being scored, and one waits, when the backup is made.
    const worker = await startStub('stub-worker', before);
    const complete = await post(client, 'complete', 300);
    await client.batch.finished(complete);
    const scores = await client.batch.results(complete);
    await worker.stop();
    const inFlight = await post(client, 'in flight', 600);
    const waiting = await post(client, 'waiting', 500);
    // It scores the first chunk in a fraction of a second, and the batch in 30. Once it is killed, the batch cannot end, and
    // chunks are in flight.
    const slow = await startStub('stub-worker', before, '20');
    await client.batch.until(inFlight, ({ items }) => items.succeeded > 0);
    await slow.kill();
    const acknowledged = await client.batch.resultsSoFar(inFlight);
    expect(acknowledged.length).toBeGreaterThan(0);

    // First Redis, then the bucket: so every object that the snapshot refers to is in the copy.
    const snapshot = join(directory, 'redis.rdb');
    await run('redis-cli', ['-e', '-s', socketOf(before), '--rdb', snapshot]);
    expect((await client.batch.status(inFlight)).body.finishedAt).toBeNull();
    const later = await post(client, 'later', 50);
    const copy = new Map<string, Buffer>();
    for (const key of await s3.keys()) copy.set(key, await s3.get(key));
    expect(copy.size).toBeGreaterThan(0);

    // Everything is lost.
    await Promise.all(running.splice(0).map((process) => process.stop()));
    await stopRedis();
    rmSync(before, { recursive: true });
    for (const key of await s3.keys()) await s3.delete(key);

    // First the bucket, then Redis.
    for (const [key, content] of copy) await s3.put(key, content);
    // As in the container of Redis, where redis-cli finds the password.
    const inContainer = { ...env, REDISCLI_AUTH: 'password' };
    const restore = join(root, 'deploy/redis/restore.sh');
    const { stdout } = await run(restore, [snapshot, after], { env: inContainer });
    expect(stdout).toMatch(/^\d+ keys$/m);
    await startRedis(after);
    const connection = new Redis(socketOf(after));
    expect(await connection.config('GET', 'appendonly')).toContain('yes');
    connection.disconnect();

    const restored = createClient((await startStub('stub-api', after)).url);
    expect(await restored.batch.results(complete)).toEqual(scores);
    // What a client has read before the snapshot is still there, and is not scored again.
    const kept = await restored.batch.resultsSoFar(inFlight);
    expect(kept).toEqual(acknowledged);
    expect(kept.length).toBeLessThan(600);
    await startStub('stub-worker', after);
    expect(await restored.batch.finished(inFlight)).toMatchObject({
      state: 'completed',
      items: { total: 600, succeeded: 600 },
    });
    const once = await restored.batch.results(inFlight);
    expect(once).toEqual(expect.arrayContaining(kept));
    expect(once.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...Array(600).keys()]);
    expect(await restored.batch.finished(waiting)).toMatchObject({
      state: 'completed',
      items: { total: 500, succeeded: 500 },
    });
    const indexes = (await restored.batch.results(waiting)).map(({ index }) => index);
    expect(indexes.sort((a, b) => a - b)).toEqual([...Array(500).keys()]);
    expect((await restored.batch.status(later)).status).toBe(404);
  },
  180_000,
);

test.skipIf(!hasCli)('a restore refuses a directory with data, and a file that is not a snapshot', async () => {
  const script = join(root, 'deploy/redis/restore.sh');
  mkdirSync(join(directory, 'appendonlydir'));
  await expect(run(script, ['/dev/null', directory], { env })).rejects.toThrow(/has data/);
  const empty = join(directory, 'empty');
  mkdirSync(empty);
  await expect(run(script, [script, empty], { env })).rejects.toThrow(/signature|RDB|rdb/);
  expect(readFileSync(script, 'utf8')).toContain('appendonlydir');
});
