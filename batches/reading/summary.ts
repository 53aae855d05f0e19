import type { BatchSummary, Extreme } from '../../shared/contracts/batch.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { binStart, binWidth } from '../store/histogram.ts';
import type { BatchRecord } from '../store/record.ts';

/** Reads the distribution of scores, as each commit counted it. The cost does not grow with the batch. */
export async function readSummary(redis: Redis, batch: BatchRecord): Promise<BatchSummary> {
  const keys = batchKeys(redis, batch.id);
  const [bins, lowest, highest] = await Promise.all([
    redis.hgetall(keys.histogram),
    redis.zrange(keys.lowest, 0, '-1'),
    redis.zrevrange(keys.highest, 0, -1),
  ]);
  const used = Object.keys(bins).map(Number);
  const from = Math.min(...used);
  const histogram = Array.from({ length: used.length === 0 ? 0 : Math.max(...used) - from + 1 }, (_, at) => ({
    from: binStart(from + at),
    to: Number((binStart(from + at) + binWidth).toFixed(2)),
    count: Number(bins[from + at] ?? 0),
  }));
  const mean = (sum: number, decimals: number) => Number((sum / batch.succeeded).toFixed(decimals));
  const parse = (item: string): Extreme => JSON.parse(item);
  return {
    id: batch.id,
    state: batch.state,
    succeeded: batch.succeeded,
    mean: batch.succeeded === 0 ? null : { cosine: mean(batch.cosineSum, 6), score: mean(batch.scoreSum, 4) },
    histogram,
    lowest: lowest.map(parse),
    highest: highest.map(parse),
    formulaCells: batch.succeededFormulas + batch.failedFormulas,
  };
}
