import { randomUUID } from 'node:crypto';
import type { StoredItem } from '../../batches/payload.ts';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { SingleResponse } from '../../shared/contracts/single.ts';
import { followBatch } from '../events.ts';
import { failureOf } from '../failure.ts';
import { freshImage, freshText } from '../fresh.ts';
import { styled, table } from '../output.ts';
import { whole } from '../progress.ts';
import { joined, type OnlineDeps, post } from './online.ts';

interface Timed {
  rows: number;
  failed: number;
  seconds: number;
}

/** The same rows as a batch, and then as single requests, one after the other. */
export interface Comparison {
  batch: Timed & { id: string };
  singles: Timed & {
    /** Requests whose image the service had in its cache. */
    cached: number;
  };
  /** Seconds of the singles over seconds of the batch. */
  speedUp: number;
  /** Largest difference of one row's score between the two; null when no row has both. */
  largestDifference: number | null;
}

/**
 * Texts, and images that are sent along, are made new for the cache of the service in both runs. Images from addresses
 * are not; the batch goes first, so that what the cache has of them makes the speed-up too small rather than too large.
 */
export async function compare(compared: OnlineDeps): Promise<Comparison> {
  const prepare = async (item: StoredItem) => fresh(await compared.prepare(item));
  const deps = { ...compared, prepare };
  const { client, input, progress, signal } = deps;
  const batchStart = performance.now();
  const posted = await post(deps, randomUUID());
  for await (const { event, data } of followBatch(client, posted.id, { signal })) {
    if (event === 'failure' || data.items === undefined) continue;
    const { total, pending, failed } = data.items;
    progress.update({ done: total - pending, failed, total });
    if (event === 'end') break;
  }
  const status = await client.json<BatchStatus>(`/v1/evaluation/batch/${posted.id}`, { signal });
  // Eight bytes a row are held, so that a million rows are no matter.
  const scores = new Float64Array(status.items.total).fill(Number.NaN);
  for await (const { results } of joined(deps, posted.id)) {
    for (const result of results) if (result.status === 'succeeded') scores[result.index] = result.score;
  }
  const batch = { id: posted.id, rows: status.items.total, failed: status.items.failed, seconds: since(batchStart) };

  progress.say(`the batch is done; now ${whole(batch.rows)} single requests`);
  const singles = { rows: 0, failed: 0, seconds: 0, cached: 0 };
  let largestDifference: number | null = null;
  const singlesStart = performance.now();
  for await (const items of input.items()) {
    for (const item of items) {
      const answer = await scoreOne(deps, await prepare(item));
      if (answer === undefined) singles.failed++;
      else {
        if (answer.timings.decodeMs === 0) singles.cached++;
        const difference =
          'score' in answer ? Math.abs(answer.score - (scores[singles.rows] ?? Number.NaN)) : Number.NaN;
        if (!Number.isNaN(difference)) largestDifference = Math.max(largestDifference ?? 0, difference);
      }
      singles.rows++;
      progress.update({ done: singles.rows, failed: singles.failed, total: batch.rows });
    }
  }
  singles.seconds = since(singlesStart);
  return { batch, singles, speedUp: singles.seconds / batch.seconds, largestDifference };
}

function fresh(item: StoredItem): StoredItem {
  if ('error' in item) return item;
  const { image, text } = item;
  const isInline = typeof image === 'object' && 'base64' in image;
  return {
    ...item,
    text: freshText(text),
    ...(isInline && { image: { base64: freshImage(Buffer.from(image.base64, 'base64')).toString('base64') } }),
  };
}

/** Nothing for a row that has no score. */
async function scoreOne(
  { client, posting, signal }: OnlineDeps,
  item: StoredItem,
): Promise<SingleResponse | undefined> {
  if ('error' in item) return undefined;
  const { image, text } = item;
  try {
    return await client.post<SingleResponse>('/v1/evaluation/single', { image, text, model: posting.model }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (failureOf(error).code === 'service.unreachable') throw error;
    return undefined;
  }
}

const since = (start: number): number => (performance.now() - start) / 1000;

export function comparisonInWords(comparison: Comparison, stream: NodeJS.WriteStream): string {
  const { batch, singles, speedUp, largestDifference } = comparison;
  const row = (name: string, { rows, failed, seconds }: Timed) => [
    name,
    whole(rows),
    whole(failed),
    seconds.toFixed(2),
    (rows / seconds).toFixed(1),
    ((1000 * seconds) / rows).toFixed(1),
  ];
  const lines = [
    table(stream, [
      ['', 'ROWS', 'FAILED', 'SECONDS', 'ROWS/S', 'MS/ROW'],
      row('singles', singles),
      row('batch', batch),
    ]).trimEnd(),
    '',
    styled(stream, 'bold', `The batch is ${speedUp.toFixed(1)} times as fast.`),
  ];
  if (largestDifference !== null) lines.push(`Scores of both differ by at most ${largestDifference}.`);
  if (singles.cached > 0) {
    lines.push(
      `For ${whole(singles.cached)} singles the image was in the cache, from the batch: the speed-up is larger than this.`,
      'A service that was started with EMBEDDING_CACHE_MB=0 shows it.',
    );
  }
  return `${lines.join('\n')}\n`;
}
