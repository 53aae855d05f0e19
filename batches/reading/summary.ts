import type { BatchSummary, Extreme } from '../../shared/contracts/batch/summary.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { binStart, binWidth, coarseBins } from '../store/histogram.ts';
import type { BatchRecord } from '../store/record.ts';
import { readPercentiles } from './percentiles.ts';
import type { Source } from './read-chunks.ts';

/**
 * Reads the score distribution of a batch. The cost does not depend on its size, except that the first request after
 * its end reads the score index.
 */
export async function readSummary(source: Source, batch: BatchRecord): Promise<BatchSummary> {
  const { redis } = source;
  const keys = batchKeys(redis, batch.id);
  const [fine, coarse, lowest, highest] = await Promise.all([
    redis.hgetall(keys.histogram),
    redis.hgetall(keys.coarseHistogram),
    redis.zrange(keys.lowest, 0, '-1'),
    redis.zrevrange(keys.highest, 0, -1),
  ]);
  const { bins, perBin } = join(fine, coarse);
  const used = [...bins.keys()];
  const from = Math.min(...used);
  const length = used.length === 0 ? 0 : (Math.max(...used) - from) / perBin + 1;
  const histogram = Array.from({ length }, (_, at) => ({
    from: binStart(from + at * perBin),
    to: binStart(from + (at + 1) * perBin),
    count: bins.get(from + at * perBin) ?? 0,
  }));
  const mean = (sum: number, decimals: number) => Number((sum / batch.succeeded).toFixed(decimals));
  const parse = (item: string): Extreme => JSON.parse(item);
  return {
    id: batch.id,
    state: batch.state,
    succeeded: batch.succeeded,
    mean: batch.succeeded === 0 ? null : { cosine: mean(batch.cosineSum, 6), score: mean(batch.scoreSum, 4) },
    histogram,
    ...(await readPercentiles(source, batch, bins, perBin * binWidth)),
    lowest: lowest.map(parse),
    highest: highest.map(parse),
    formulaCells: batch.succeededFormulas + batch.failedFormulas,
  };
}

/**
 * Returns the number of items in each bin of the histogram. Older releases counted in coarse bins. If one has counted a
 * part of the batch, all counts are in coarse bins, and a key is the first fine bin in it.
 */
function join(
  fine: Record<string, string>,
  coarse: Record<string, string>,
): { bins: Map<number, number>; perBin: number } {
  const perBin = Object.keys(coarse).length > 0 ? coarseBins : 1;
  const bins = new Map<number, number>();
  const add = (bin: number, count: number) => bins.set(bin, (bins.get(bin) ?? 0) + count);
  for (const [bin, count] of Object.entries(coarse)) add(Number(bin) * coarseBins, Number(count));
  for (const [bin, count] of Object.entries(fine)) add(Number(bin) - (Number(bin) % perBin), Number(count));
  return { bins, perBin };
}
