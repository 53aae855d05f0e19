import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../shared/contracts/batch/summary.ts';
import { binStart } from '../store/histogram.ts';
import type { BatchRecord } from '../store/record.ts';
import { cosineSteps, millionthsOf } from '../store/score-index.ts';
import { setFields } from '../store/set-fields.ts';
import { readChunkIndex } from './ordered/chunk-index.ts';
import { readSegments } from './ordered/segments.ts';
import type { Source } from './read-chunks.ts';

type Percentiles = Pick<BatchSummary, 'percentiles' | 'percentilesExact'>;
type Bins = ReadonlyMap<number, number>;

const percents = [1, 5, 10, 25, 50, 75, 90, 95, 99];

/**
 * Returns percentiles of the cosines: exact after the end of the batch, before estimated from the histogram, because
 * clients may request them often.
 * @param bins the number of items by the first fine bin that a bin covers.
 * @param width the width of a bin, as a cosine.
 */
export async function readPercentiles(
  source: Source,
  batch: BatchRecord,
  bins: Bins,
  width: number,
): Promise<Percentiles> {
  const isEnded = terminalStates.has(batch.state);
  if (batch.succeeded === 0) return { percentiles: [], percentilesExact: isEnded };
  if (!isEnded) return toPercentiles(estimate(bins, width), false);
  if (batch.percentiles !== undefined) return toPercentiles(batch.percentiles, true);
  const exact = await readExact(source, batch);
  if (exact === undefined) return { percentiles: [], percentilesExact: true };
  await setFields(source.redis, batch.id, { percentiles: JSON.stringify(exact) });
  return toPercentiles(exact, true);
}

function toPercentiles(cosines: readonly number[], percentilesExact: boolean): Percentiles {
  const percentiles = percents.map((percent, at) => {
    const cosine = cosines[at] ?? 0;
    return { percent, cosine, score: Number((100 * Math.max(cosine, 0)).toFixed(4)) };
  });
  return { percentiles, percentilesExact };
}

/** Returns the cosines by the nearest-rank method, or undefined without scores. */
async function readExact(source: Source, batch: BatchRecord): Promise<number[] | undefined> {
  await readChunkIndex(source, batch);
  const counts = new Uint32Array(2 * cosineSteps + 1);
  let scored = 0;
  for await (const { entries } of readSegments(source, batch)) {
    for (const entry of entries) {
      const millionths = millionthsOf(entry);
      if (millionths === undefined) continue;
      const at = millionths + cosineSteps;
      counts[at] = (counts[at] ?? 0) + 1;
      scored++;
    }
  }
  if (scored === 0) return undefined;
  let at = -1;
  let below = 0;
  return percents.map((percent) => {
    const rank = Math.max(1, Math.ceil((percent * scored) / 100));
    while (below < rank) below += counts[++at] ?? 0;
    return (at - cosineSteps) / cosineSteps;
  });
}

/** Estimates percentiles from a histogram, as if items were evenly distributed within each bin. */
function estimate(bins: Bins, width: number): number[] {
  const sorted = [...bins].sort(([a], [b]) => a - b);
  const scored = sorted.reduce((sum, [, count]) => sum + count, 0);
  return percents.map((percent) => {
    let left = (percent * scored) / 100;
    for (const [bin, count] of sorted) {
      if (left <= count) return Number((binStart(bin) + (left / count) * width).toFixed(6));
      left -= count;
    }
    return 0;
  });
}
