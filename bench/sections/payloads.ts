import { Redis } from 'ioredis';
import { createObjectStore } from '../../batches/store/lazy-object-store.ts';
import type { ObjectStore } from '../../batches/store/object-store.ts';
import { readConfig } from '../../shared/config.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { parseS3Location } from '../../shared/s3-location.ts';
import { ndjsonItems } from '../../testing/ndjson-items.ts';
import { install } from '../../testing/processes/installation.ts';
import { residentMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startS3 } from '../../testing/s3/server.ts';
import { type Figure, figure, most } from '../figures.ts';

const sampleMs = 50;

/**
 * Measures the peak memory of Redis and the duration of a batch by reference with payloads in a bucket. Uses
 * `S3_ENDPOINT`, `PAYLOADS` and `BATCH_BUCKETS`, or a slow store for tests.
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
  const objects = createObjectStore({ endpoint: s3Endpoint });
  const plane = await install({ roles: ['stub-api', 'stub-worker'], latencies: [], env: storage });
  const [, worker] = plane.processes;
  const workerMiB = () => residentMiBOf(worker?.pid ?? 0);
  const monitor = new Redis(plane.redis.url, { maxRetriesPerRequest: null });
  try {
    const input = { ...folder, key: `${folder.key}pairs.ndjson` };
    say(`payloads: ${readable(items)} items are put into the bucket`);
    await objects.upload(input, 'application/x-ndjson', inParts(items), AbortSignal.timeout(600_000));

    const usedMemory = async () => Number(/used_memory:(\d+)/.exec(await monitor.info('memory'))?.[1] ?? 0);
    const before = await usedMemory();
    const idleMiB = workerMiB();
    let peak = before;
    let peakMiB = idleMiB;
    const sampling = setInterval(() => {
      peakMiB = Math.max(peakMiB, workerMiB());
      void usedMemory().then((used) => {
        peak = Math.max(peak, used);
      });
    }, sampleMs);
    say('payloads: the batch runs');
    const at = { taken: 0, evaluated: 0, written: 0 };
    const start = performance.now();
    const posted = await plane.client.post<BatchStatus>('/v1/evaluation/batch', {
      input: `s3://${input.bucket}/${input.key}`,
    });
    if (posted.status !== 202) throw new Error(`${posted.status}: ${JSON.stringify(posted.body)}`);
    const { id } = posted.body;
    const status = await plane.client.batch.until(id, ({ state, finishedAt, files }) => {
      const now = (performance.now() - start) / 1000;
      if (state !== 'accepting') at.taken ||= now;
      if (finishedAt !== null) at.evaluated ||= now;
      at.written = now;
      return files?.state !== 'pending';
    });
    clearInterval(sampling);
    await expectComplete(objects, status, items);
    const after = await usedMemory();
    const deleting = performance.now();
    await plane.client.call(`/v1/evaluation/batch/${id}`, { method: 'DELETE' });
    const deleted = (performance.now() - deleting) / 1000;
    const size = `${readable(items)} items by reference`;
    return [
      figure(
        `payloads/redis-${items}`,
        `largest memory of Redis above idle, ${size}`,
        (peak - before) / 1_000_000,
        'MB',
        `read every ${sampleMs} ms; ${((after - before) / 1_000_000).toFixed(2)} MB after the end of the batch`,
        most(2),
      ),
      figure(
        `payloads/seconds-${items}`,
        `from the post to the written result files, ${size}`,
        at.written,
        's',
        `all items stored after ${readable(at.taken)} s, evaluated after ${readable(at.evaluated)} s; the deletion took ${readable(deleted)} s`,
      ),
      figure(
        `payloads/worker-${items}`,
        `worker memory above idle, ${size}`,
        peakMiB - idleMiB,
        'MiB',
        `idle ${readable(idleMiB)} MiB`,
      ),
    ];
  } finally {
    monitor.disconnect();
    await plane.close();
    objects.close();
    await own?.remove();
  }
}

async function* inParts(items: number): AsyncGenerator<string> {
  yield* ndjsonItems(items);
}

/** @throws {Error} unless the result file has every item exactly once, in order. */
async function expectComplete(objects: ObjectStore, { state, files }: BatchStatus, items: number): Promise<void> {
  const place = parseS3Location(files?.results ?? '');
  if (state !== 'completed' || place === undefined) throw new Error(`The batch is ${state}: ${files?.error}`);
  const results = (await objects.get(place)).toString().trimEnd().split('\n');
  const wrong = results.findIndex((line, index) => !line.startsWith(`{"index":${index},`));
  if (results.length !== items || wrong >= 0)
    throw new Error(`${results.length} results for ${items} items; line ${wrong}`);
}
