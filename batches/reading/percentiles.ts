import { terminalStates } from '../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../shared/contracts/batch/summary.ts';
import { binStart } from '../store/histogram.ts';
import type { BatchRecord } from '../store/record.ts';
import { cosineSteps, millionthsOf } from '../store/score-index.ts';
import { setFields } from '../store/set-fields.ts';
import { readChunkIndex } from './ordered/chunk-index.ts';
import { readSegments } from './ordered/segments.ts';
import type { Source } from './read-chunks.ts';

type Percentile = BatchSummary['percentiles'][number];
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
  if (!isEnded) return { percentiles: estimate(bins, width), percentilesExact: false };
  const { exactPercentiles = await readExact(source, batch) } = batch;
  if (batch.exactPercentiles === undefined && exactPercentiles.length > 0) {
    await setFields(source.redis, batch.id, { exactPercentiles: JSON.stringify(exactPercentiles) });
  }
  return { percentiles: exactPercentiles, percentilesExact: true };
}

/** Returns the percentiles of all scores, or none without scores. */
async function readExact(source: Source, batch: BatchRecord): Promise<Percentile[]> {
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
  return scored === 0 ? [] : interpolate(counts, scored);
}

/**
 * Interpolates between the two nearest items, as numpy and pandas do by default. The scores are interpolated on their
 * own, because the score of a negative cosine is 0.
 */
function interpolate(counts: Uint32Array, scored: number): Percentile[] {
  let at = -1;
  let below = 0;
  /** Returns the millionths of the item with a rank. The ranks of consecutive calls must not decrease. */
  const millionthsAt = (rank: number): number => {
    while (below <= rank) below += counts[++at] ?? 0;
    return at - cosineSteps;
  };
  const placed = percents.map((percent) => {
    const place = (percent * (scored - 1)) / 100;
    const rank = Math.floor(place);
    return { percent, rank, next: Math.min(rank + 1, scored - 1), share: place - rank };
  });
  const ranks = [...new Set(placed.flatMap(({ rank, next }) => [rank, next]))].sort((a, b) => a - b);
  const found = new Map(ranks.map((rank) => [rank, millionthsAt(rank)]));
  return placed.map(({ percent, rank, next, share }) => {
    const [low, high] = [found.get(rank) ?? 0, found.get(next) ?? 0];
    const between = (from: number, to: number) => Math.round(from + share * (to - from));
    return {
      percent,
      cosine: between(low, high) / cosineSteps,
      score: between(Math.max(low, 0), Math.max(high, 0)) / (cosineSteps / 100),
    };
  });
}

/** Estimates percentiles from a histogram, as if items were evenly distributed within each bin. */
function estimate(bins: Bins, width: number): Percentile[] {
  const sorted = [...bins].sort(([a], [b]) => a - b);
  const scored = sorted.reduce((sum, [, count]) => sum + count, 0);
  return percents.map((percent) => {
    let left = (percent * scored) / 100;
    for (const [bin, count] of sorted) {
      if (left <= count) {
        const cosine = Number((binStart(bin) + (left / count) * width).toFixed(6));
        return { percent, cosine, score: Number((100 * Math.max(cosine, 0)).toFixed(4)) };
      }
      left -= count;
    }
    return { percent, cosine: 0, score: 0 };
  });
}
