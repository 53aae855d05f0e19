import { randomUUID } from 'node:crypto';
import type { StoredItem } from '../../batches/store/payload.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { SingleResponse } from '../../shared/contracts/single.ts';
import { cacheBustedImage, cacheBustedText } from '../cache-busting.ts';
import { followBatch } from '../events.ts';
import { failureOf, UsageError } from '../failures.ts';
import { styled, table } from '../output.ts';
import { counted, whole } from '../progress.ts';
import type { BatchInput } from './input.ts';
import { joinWithRows, type OnlineDeps, post } from './score-online.ts';

interface Timed {
  rows: number;
  failed: number;
  seconds: number;
}

/** The result of sending some rows of a file as single requests, one after another, and the others as a batch. */
export interface Comparison {
  singles: Timed & {
    /** Single requests whose image was already in the cache of the service. */
    cached: number;
  };
  batch: Timed & { id: string };
  /** The mean time per row in single requests, divided by the mean time per row in the batch. */
  speedUp: number;
  /**
   * The largest difference between the two scores of a row, in a single request and in a batch; null without two
   * scores.
   */
  largestDifference: number | null;
}

/** The number of single requests: enough for a stable mean, and one minute at 600 ms each. */
const sampleRows = 100;
/** The number of rows below which the report says that the speeds are not meaningful: those of one chunk of a batch. */
const minRows = 64;

/**
 * Measures how much faster a batch is than single requests, on different rows of the file. Every text and inline image
 * is changed, so that no cache helps. A second batch scores the rows of the single requests, to compare the scores.
 * @throws {UsageError} for fewer than two rows.
 */
export async function compare(compared: OnlineDeps): Promise<Comparison> {
  const prepare = async (item: StoredItem) => cacheBusted(await compared.prepare(item));
  const deps = { ...compared, prepare };
  const { input, progress } = deps;
  let total = 0;
  for await (const items of input.items()) total += items.length;
  if (total < 2) throw new UsageError('--compare needs at least two rows: one as a single request, one as a batch');
  const step = Math.max(2, Math.ceil(total / sampleRows));
  const isSampled = (index: number) => index % step === 0;

  const sample = filterRows(input, isSampled);
  progress.say(
    `${counted(Math.ceil(total / step), 'row')} as single requests, then ${whole(total - Math.ceil(total / step))} as a batch`,
  );
  const { scores, ...singles } = await scoreSingly({ ...deps, input: sample }, Math.ceil(total / step));
  const batch = await scoreAsBatch({ ...deps, input: filterRows(input, (index) => !isSampled(index)) });
  const again = await scoreAsBatch({ ...deps, input: sample });
  let largestDifference: number | null = null;
  for await (const { results } of joinWithRows({ ...deps, input: sample }, again.id)) {
    for (const result of results) {
      const single = scores[result.index];
      if (result.status !== 'succeeded' || single === undefined) continue;
      largestDifference = Math.max(largestDifference ?? 0, Math.abs(result.score - single));
    }
  }
  const speedUp = singles.seconds / singles.rows / (batch.seconds / batch.rows);
  return { singles, batch, speedUp, largestDifference };
}

const filterRows = (input: BatchInput, keep: (index: number) => boolean): BatchInput => ({
  ...input,
  async *items() {
    let index = 0;
    for await (const items of input.items()) yield items.filter(() => keep(index++));
  },
});

async function scoreSingly(
  deps: OnlineDeps,
  total: number,
): Promise<Comparison['singles'] & { scores: (number | undefined)[] }> {
  const timed = { rows: 0, failed: 0, seconds: 0, cached: 0 };
  const scores: (number | undefined)[] = [];
  const start = performance.now();
  for await (const items of deps.input.items()) {
    for (const item of items) {
      const answer = await scoreOne(deps, await deps.prepare(item));
      scores.push(answer !== undefined && 'score' in answer ? answer.score : undefined);
      if (answer === undefined) timed.failed++;
      else if (answer.timings.decodeMs === 0) timed.cached++;
      timed.rows++;
      deps.progress.update({ done: timed.rows, failed: timed.failed, total });
    }
  }
  return { ...timed, seconds: since(start), scores };
}

async function scoreAsBatch(deps: OnlineDeps): Promise<Comparison['batch']> {
  const { client, progress, signal } = deps;
  const start = performance.now();
  const { id } = await post(deps, randomUUID());
  for await (const { event, data } of followBatch(client, id, { signal })) {
    if (event === 'failure' || data.items === undefined) continue;
    const { total, pending, failed } = data.items;
    progress.update({ done: total - pending, failed, total });
    if (event === 'end') break;
  }
  const seconds = since(start);
  const { items } = await client.json<BatchStatus>(`/v1/evaluation/batch/${id}`, { signal });
  return { id, rows: items.total, failed: items.failed, seconds };
}

function cacheBusted(item: StoredItem): StoredItem {
  if ('error' in item) return item;
  const { image, text } = item;
  const isInline = typeof image === 'object' && 'base64' in image;
  return {
    ...item,
    text: cacheBustedText(text),
    ...(isInline && { image: { base64: cacheBustedImage(Buffer.from(image.base64, 'base64')).toString('base64') } }),
  };
}

/** Scores a row as a single request. Returns undefined when it gets no score. */
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

/** Returns the sentences that compare the speeds. The first states the result. */
function verdictOf(speedUp: number): string[] {
  if (speedUp >= 0.95) return [`The batch is ${speedUp.toFixed(1)} times as fast as single requests.`];
  return [
    `The batch was slower: it took ${(1 / speedUp).toFixed(1)} times as long per row as single requests.`,
    'This is expected with few rows, and with local images, because a batch is faster mainly in downloads.',
  ];
}

export function formatComparison(comparison: Comparison, stream: NodeJS.WriteStream): string {
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
    ...verdictOf(speedUp).map((line, at) => (at === 0 ? styled(stream, 'bold', line) : line)),
    'The two speeds were measured with different rows, and no cache helped.',
  ];
  if (singles.rows + batch.rows < minRows)
    lines.push(`The comparison is meaningful only with ${minRows} rows or more.`);
  if (largestDifference !== null)
    lines.push(
      `A second batch scored the rows of the single requests again; the scores differ by at most ${largestDifference}.`,
    );
  if (singles.cached > 0)
    lines.push(`${counted(singles.cached, 'single request')} used the cached image of an earlier row.`);
  return `${lines.join('\n')}\n`;
}
