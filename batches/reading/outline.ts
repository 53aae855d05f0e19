import { outlineBin, type ScoreOutline } from '../../shared/contracts/batch/list.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { binStart, coarseBins } from '../store/histogram.ts';
import type { BatchRecord } from '../store/record.ts';

/** Reads the mean and a coarse histogram of the scores of a batch. Returns null when no item has succeeded. */
export async function readOutline(redis: Redis, batch: BatchRecord): Promise<ScoreOutline | null> {
  if (batch.succeeded === 0) return null;
  const keys = batchKeys(redis, batch.id);
  const [fine, coarse] = await Promise.all([redis.hgetall(keys.histogram), redis.hgetall(keys.coarseHistogram)]);
  const histogram = new Array<number>(outlineBin.count).fill(0);
  const add = (bin: number, items: number) => {
    const score = Math.max(0, binStart(bin) * 100);
    const at = Math.min(outlineBin.count - 1, Math.floor(score / outlineBin.width + 1e-9));
    histogram[at] = (histogram[at] ?? 0) + items;
  };
  for (const [bin, items] of Object.entries(fine)) add(Number(bin), Number(items));
  // Older releases counted in coarse bins, each of which covers several of the present bins.
  for (const [bin, items] of Object.entries(coarse)) add(Number(bin) * coarseBins, Number(items));
  return { mean: Number((batch.scoreSum / batch.succeeded).toFixed(4)), histogram };
}
