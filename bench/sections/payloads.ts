import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createObjects } from '../../batches/store/lazy-objects.ts';
import type { Objects } from '../../batches/store/objects.ts';
import { readConfig } from '../../shared/config.ts';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import { parseS3Place } from '../../shared/s3-place.ts';
import { ndjsonItems } from '../../testing/ndjson-items.ts';
import { forkScript } from '../../testing/processes/forked.ts';
import { residentMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { startS3 } from '../../testing/s3/server.ts';
import type { Figure } from '../figures.ts';

const sampleMs = 50;

/**
 * A batch by reference whose payloads lie in a bucket: what Redis holds of it at most, and how long it takes. With
 * `S3_ENDPOINT`, `PAYLOADS` and `BATCH_BUCKETS` in a store that is there, otherwise in one of the bench's own, which is made
 * for tests and not for speed.
 */
export async function benchPayloads(items: number, say: (line: string) => void): Promise<Figure[]> {
  const given = readConfig();
  const own = given.s3Endpoint === undefined ? await startS3() : undefined;
  const storage =
    own === undefined ? {} : { ...own.env, PAYLOADS: own.url('payloads'), BATCH_BUCKETS: `*=${own.url('in/')}` };
  Object.assign(process.env, storage);
  const { s3Endpoint, batchBuckets } = readConfig();
  const folder = batchBuckets[0]?.folder;
  if (folder === undefined) throw new Error('BATCH_BUCKETS names no folder');
  const objects = createObjects({ endpoint: s3Endpoint });
  const directory = mkdtempSync(join(tmpdir(), 'vls-bench-'));
  const redis = await startRedis();
  const env = {
    REDIS_URL: redis.url,
    PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: directory,
    LOG_LEVEL: 'error',
    ...storage,
  };
  const worker = await forkScript('testing/processes/stub-service.ts', ['worker'], env);
  const api = await forkScript<{ url: string }>('testing/processes/stub-service.ts', ['api'], env);
  const monitor = new Redis(redis.url, { maxRetriesPerRequest: null });
  try {
    const input = { ...folder, key: `${folder.key}pairs.ndjson` };
    say(`payloads: ${readable(items)} items are put into the bucket`);
    await objects.upload(input, 'application/x-ndjson', inParts(items), AbortSignal.timeout(600_000));

    const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await monitor.info('memory'))?.[1] ?? 0);
    const before = await usedMemory();
    const idleMiB = residentMiBOf(worker.pid);
    let peak = before;
    let peakMiB = idleMiB;
    const sampling = setInterval(() => {
      peakMiB = Math.max(peakMiB, residentMiBOf(worker.pid));
      void usedMemory().then((used) => {
        peak = Math.max(peak, used);
      });
    }, sampleMs);
    say('payloads: the batch runs');
    const batches = `${api.ready.url}/evaluator/v1/evaluation/batch`;
    const at = { taken: 0, evaluated: 0, written: 0 };
    const start = performance.now();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ input: `s3://${input.bucket}/${input.key}` });
    const posted = await fetch(batches, { method: 'POST', headers, body });
    if (posted.status !== 202) throw new Error(`${posted.status}: ${await posted.text()}`);
    const { id } = (await posted.json()) as BatchStatus;
    let status: BatchStatus;
    for (;;) {
      status = (await (await fetch(`${batches}/${id}`)).json()) as BatchStatus;
      const now = (performance.now() - start) / 1000;
      if (status.state !== 'accepting') at.taken ||= now;
      if (status.finishedAt !== null) at.evaluated ||= now;
      if (status.files?.state !== 'pending') {
        at.written = now;
        break;
      }
      await delay(20);
    }
    clearInterval(sampling);
    await expectComplete(objects, status, items);
    const after = await usedMemory();
    const deleting = performance.now();
    await fetch(`${batches}/${id}`, { method: 'DELETE' });
    const deleted = (performance.now() - deleting) / 1000;
    const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(2);
    return [
      {
        id: `payloads/redis-${items}`,
        name: `Redis above idle at most, ${readable(items)} items by reference`,
        value: (peak - before) / 1_000_000,
        unit: 'MB',
        target: { most: 2 },
        detail: `every ${sampleMs} ms; ${megabytes(after - before)} MB when it had ended`,
      },
      {
        id: `payloads/seconds-${items}`,
        name: `post to files written, ${readable(items)} items by reference`,
        value: at.written,
        unit: 's',
        detail: `taken in after ${readable(at.taken)} s, evaluated after ${readable(at.evaluated)} s; deleting ${readable(deleted)} s`,
      },
      {
        id: `payloads/worker-${items}`,
        name: `worker memory above idle, ${readable(items)} items by reference`,
        value: peakMiB - idleMiB,
        unit: 'MiB',
        detail: `idle ${readable(idleMiB)} MiB`,
      },
    ];
  } finally {
    monitor.disconnect();
    await Promise.all([api.stop(), worker.stop()]);
    objects.close();
    await Promise.all([redis.remove(), own?.remove()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function* inParts(items: number): AsyncGenerator<string> {
  yield* ndjsonItems(items);
}

/** @throws {Error} unless the file of results has every item once, in order. */
async function expectComplete(objects: Objects, { state, files }: BatchStatus, items: number): Promise<void> {
  const place = parseS3Place(files?.results ?? '');
  if (state !== 'completed' || place === undefined) throw new Error(`The batch is ${state}: ${files?.error}`);
  const results = (await objects.get(place)).toString().trimEnd().split('\n');
  const wrong = results.findIndex((line, index) => !line.startsWith(`{"index":${index},`));
  if (results.length !== items || wrong >= 0)
    throw new Error(`${results.length} results for ${items} items; line ${wrong}`);
}
