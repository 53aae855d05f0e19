import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { BatchStatus } from '../shared/contracts/batch/status.ts';
import { formatNamed } from '../shared/formats.ts';
import { cacheBustedImage } from './cache-busting.ts';
import type { ServiceClient } from './client.ts';
import { followBatch } from './events.ts';
import { failureOf, UsageError } from './failures.ts';
import { readImageArgument, type TypedImage } from './image-argument.ts';
import { table } from './output.ts';
import { counted, whole } from './progress.ts';

export interface BenchOptions {
  client: ServiceClient;
  /** Addresses or files of images; the example photos if empty. */
  images: readonly string[];
  seconds: number;
  /** The number of single requests in flight. */
  concurrency: number;
  /** The number of items of the batch; 0 for no batch. */
  items: number;
  model: string | undefined;
  signal: AbortSignal;
  say(text: string): void;
}

/** The results of a load test. Times are in ms, except `seconds`. */
export interface BenchFigures {
  singles: {
    requests: number;
    failed: Record<string, number>;
    itemsPerSecond: number;
    p50: number;
    p95: number;
    p99: number;
    slowest: number;
  };
  batch: { id: string; items: number; failed: number; seconds: number; itemsPerSecond: number } | null;
}

/**
 * Measures a service without the effect of its embedding cache: every text and every image from a file is new. Images
 * of URLs stay the same, but are downloaded each time.
 */
export async function bench(options: BenchOptions): Promise<BenchFigures> {
  const { client, seconds, concurrency, items, model, signal, say } = options;
  const images = await readImages(options.images);
  const run = randomUUID().slice(0, 8);
  let sent = 0;
  const next = () => {
    sent++;
    return { image: images[sent % images.length] ?? noImage, text: `a photo, number ${sent} of ${run}` };
  };

  say(`single requests, ${concurrency} at a time, for ${seconds} s`);
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  const failed: Record<string, number> = {};
  const start = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < until) {
        const { image, text } = next();
        const body = { image: sourceOf(image), text, model };
        const begun = performance.now();
        try {
          await client.post('/v1/evaluation/single', body, signal);
          times.push(performance.now() - begun);
        } catch (error) {
          signal.throwIfAborted();
          const { code } = failureOf(error);
          if (code === 'service.unreachable') throw error;
          failed[code] = (failed[code] ?? 0) + 1;
        }
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const singles = {
    requests: times.length + Object.values(failed).reduce((sum, count) => sum + count, 0),
    failed,
    itemsPerSecond: round(times.length / elapsed),
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    p99: quantile(times, 0.99),
    slowest: quantile(times, 1),
  };
  if (items === 0) return { singles, batch: null };

  say(`a batch of ${counted(items, 'item')}`);
  async function* lines() {
    for (let at = 0; at < items; at++) {
      const { image, text } = next();
      yield Buffer.from(`${JSON.stringify({ image: sourceOf(image), text })}\n`);
    }
  }
  const query = new URLSearchParams(model === undefined ? {} : { model });
  const batchStart = performance.now();
  const { id } = await client.json<BatchStatus>(`/v1/evaluation/batch?${query}`, {
    method: 'POST',
    headers: { 'content-type': formatNamed('ndjson').mediaTypes[0] },
    body: lines,
    signal,
  });
  for await (const { event } of followBatch(client, id, { signal })) if (event === 'end') break;
  const batchSeconds = (performance.now() - batchStart) / 1000;
  const status = await client.json<BatchStatus>(`/v1/evaluation/batch/${id}`, { signal });
  const itemsPerSecond = round(status.items.succeeded / batchSeconds);
  return { singles, batch: { id, items, failed: status.items.failed, seconds: round(batchSeconds), itemsPerSecond } };
}

type BenchImage = { address: string } | { bytes: Buffer };
const noImage: BenchImage = { address: '' };

async function readImages(given: readonly string[]): Promise<BenchImage[]> {
  const photos = fileURLToPath(new URL('../examples/photos/', import.meta.url));
  const examples = given.length > 0 ? [] : await readdir(photos).catch(() => []);
  if (given.length + examples.length === 0) {
    throw new UsageError('Name the images to score; this installation has no example photos');
  }
  const names =
    given.length > 0 ? given : examples.filter((name) => name.endsWith('.jpg')).map((name) => `${photos}${name}`);
  return await Promise.all(names.map(async (name) => toBenchImage(await readImageArgument(name))));
}

async function toBenchImage(image: TypedImage): Promise<BenchImage> {
  if ('source' in image) return { address: image.source };
  return { bytes: Buffer.from(await image.blob.arrayBuffer()) };
}

const sourceOf = (image: BenchImage) =>
  'address' in image ? image.address : { base64: cacheBustedImage(image.bytes).toString('base64') };

/** Returns a quantile of sorted values by the nearest-rank method; 0 for an empty list. */
export function quantile(sorted: readonly number[], share: number): number {
  return round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
}

const round = (value: number): number => Math.round(value * 10) / 10;

export function formatFigures({ singles, batch }: BenchFigures, stream: NodeJS.WriteStream): string {
  const { requests, failed, itemsPerSecond, p50, p95, p99, slowest } = singles;
  const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
  const times = [p50, p95, p99, slowest].map(String);
  const rows = [
    ['', 'ITEMS', 'FAILED', 'ITEMS/S', 'P50 MS', 'P95 MS', 'P99 MS', 'SLOWEST MS'],
    ['singles', whole(requests), whole(failures), String(itemsPerSecond), ...times],
  ];
  if (batch !== null) {
    rows.push(['batch', whole(batch.items), whole(batch.failed), String(batch.itemsPerSecond), '-', '-', '-', '-']);
  }
  const codes = Object.entries(failed).map(([code, count]) => `${code}: ${whole(count)}\n`);
  return `${table(stream, rows)}${codes.join('')}`;
}
