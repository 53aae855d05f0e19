import { Readable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { createObjectStore } from '../../batches/store/lazy-object-store.ts';
import type { ObjectStore } from '../../batches/store/object-store.ts';
import { readConfig } from '../../shared/config.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { numbered, photosOf } from '../../testing/images/resized.ts';
import { type Installation, install } from '../../testing/processes/installation.ts';
import { peakMiBOf, resetPeak, residentMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { startS3 } from '../../testing/s3/server.ts';
import { type Figure, figure, least, most } from '../figures.ts';

/** Both formats contain the same images and texts. */
const forms = ['ndjson', 'tar'] as const;
type Form = (typeof forms)[number];
const mediaTypes: Record<Form, string> = { ndjson: 'application/x-ndjson', tar: 'application/x-tar' };

interface Run {
  itemsPerSecond: number;
  apiMiB: number;
  workerMiB: number;
}

/**
 * Compares a tar of images with NDJSON that has them as data URIs, by reference and uploaded. Payloads are in a bucket.
 * A stub replaces decoding and inference.
 */
export async function benchTar(items: number, say: (line: string) => void): Promise<Figure[]> {
  const s3 = await startS3();
  const storage = { ...s3.env, PAYLOADS: s3.url('payloads'), BATCH_BUCKETS: `*=${s3.url('in/')}` };
  Object.assign(process.env, storage);
  const objects = createObjectStore({ endpoint: readConfig().s3Endpoint });
  const photos = await photosOf(64, 48);
  const plane = await install({ roles: ['stub-api', 'stub-worker'], latencies: [], env: storage });
  try {
    await scored(plane, { items: 1_000 }, () => post(plane, 'tar', photos, 1_000));
    const found: Record<string, Run> = {};
    for (const form of forms) {
      const key = `in/set.${form}`;
      say(`tar: ${readable(items)} items are put into the bucket as ${form}`);
      await put(objects, s3.url(key), form, photos, items);
      say('tar: by reference');
      found[`${form} by reference`] = await scored(plane, { items }, () =>
        plane.client.post<BatchStatus>('/v1/evaluation/batch', { input: s3.url(key) }),
      );
      say('tar: as an upload');
      found[`${form} upload`] = await scored(plane, { items }, () => post(plane, form, photos, items));
    }
    return (['by reference', 'upload'] as const).flatMap((way) => figuresOf(way, items, found));
  } finally {
    await plane.close();
    objects.close();
    await s3.remove();
  }
}

function figuresOf(way: 'by reference' | 'upload', items: number, found: Record<string, Run>): Figure[] {
  const [tar, ndjson] = [found[`tar ${way}`], found[`ndjson ${way}`]];
  if (tar === undefined || ndjson === undefined) throw new Error('A run is missing');
  const size = `${readable(items)} items`;
  const id = way.replace(' ', '-');
  const rates = `${readable(tar.itemsPerSecond)} / ${readable(ndjson.itemsPerSecond)} items/s`;
  return [
    figure(
      `tar/rate-${id}`,
      `tar / NDJSON with data URIs, ${way}`,
      tar.itemsPerSecond / ndjson.itemsPerSecond,
      '',
      rates,
      // The client affects an upload's rate: packing a tar takes more CPU time than writing NDJSON.
      way === 'by reference' ? least(0.9) : undefined,
    ),
    figure(
      `tar/api-${id}`,
      `API memory above idle, tar of ${size}, ${way}`,
      tar.apiMiB,
      'MiB',
      `with NDJSON ${readable(ndjson.apiMiB)} MiB; worker: tar ${readable(tar.workerMiB)} MiB, NDJSON ${readable(ndjson.workerMiB)} MiB`,
      most(150),
    ),
  ];
}

/** Runs one batch to its end. @returns its items per second, and the peak growth of API and worker memory in MiB. */
async function scored(
  { processes, client }: Installation,
  { items }: { items: number },
  begin: () => Promise<{ status: number; body: BatchStatus }>,
): Promise<Run> {
  const [api, worker] = processes;
  const pids = [api.pid, worker?.pid ?? 0] as const;
  const idle = pids.map(residentMiBOf);
  for (const pid of pids) resetPeak(pid);
  const start = performance.now();
  const { status, body } = await begin();
  if (status !== 202) throw new Error(`${status}: ${JSON.stringify(body)}`);
  const ended = await client.batch.finished(body.id);
  const seconds = (performance.now() - start) / 1000;
  if (ended.items.succeeded !== items) throw new Error(`The batch failed: ${JSON.stringify(ended)}`);
  const [apiMiB = 0, workerMiB = 0] = pids.map((pid, at) => peakMiBOf(pid) - (idle[at] ?? 0));
  await client.call(`/v1/evaluation/batch/${body.id}`, { method: 'DELETE' });
  return { itemsPerSecond: items / seconds, apiMiB, workerMiB };
}

/** Uploads the file as a body without a known length. */
const post = ({ client }: Installation, form: Form, photos: readonly Buffer[], items: number) =>
  client.call<BatchStatus>('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': mediaTypes[form] },
    body: Readable.toWeb(Readable.from(contentOf(form, photos, items))) as ReadableStream,
    duplex: 'half',
  });

async function put(
  objects: ObjectStore,
  url: string,
  form: Form,
  photos: readonly Buffer[],
  items: number,
): Promise<void> {
  const { hostname: bucket, pathname } = new URL(url);
  const place = { bucket, key: pathname.slice(1) };
  await objects.upload(place, mediaTypes[form], contentOf(form, photos, items), AbortSignal.timeout(1_800_000));
}

const contentOf = (form: Form, photos: readonly Buffer[], items: number) =>
  form === 'tar' ? tarOf(photos, items) : ndjsonOf(photos, items);

const textOf = (index: number) => `a photo of thing number ${index} on a table`;

function tarOf(photos: readonly Buffer[], items: number): AsyncIterable<Buffer> {
  const tar: Pack = pack();
  void (async () => {
    for (let index = 0; index < items; index++) {
      const key = String(index).padStart(8, '0');
      tar.entry({ name: `${key}.jpg` }, numbered(photos, index));
      await new Promise<void>((resolve) => {
        tar.entry({ name: `${key}.txt` }, textOf(index), () => resolve());
      });
    }
    tar.finalize();
  })();
  return tar as AsyncIterable<Buffer>;
}

async function* ndjsonOf(photos: readonly Buffer[], items: number): AsyncGenerator<string> {
  let part = '';
  for (let index = 0; index < items; index++) {
    const image = `data:image/jpeg;base64,${numbered(photos, index).toString('base64')}`;
    part += `${JSON.stringify({ id: String(index).padStart(8, '0'), image, text: textOf(index) })}\n`;
    if (part.length > 60_000) {
      yield part;
      part = '';
    }
  }
  yield part;
}
