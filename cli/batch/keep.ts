import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { readBody } from '../../formats/body.ts';
import { subsetOfParquet } from '../../formats/parquet.ts';
import { subsetOfTar } from '../../formats/tar.ts';
import { inOneLine } from '../../shared/exact-json.ts';
import { formatOfFile } from '../../shared/formats.ts';
import { countOfTop, type Top } from '../../shared/top.ts';
import { idsFile, type Keeping, type Kept } from './keep-flags.ts';
import { type ScoredShard, scoresOf } from './shard-scores.ts';

/**
 * Writes the kept samples: one file for each shard that has some, with its name and format. A file gets its name only
 * when it is complete.
 */
export async function keepSamples(
  shards: readonly ScoredShard[],
  { keep: folder, minScore = 0, top }: Keeping,
  signal: AbortSignal,
): Promise<Kept> {
  await mkdir(folder, { recursive: true });
  const { scored, threshold: best, wanted } = await thresholdOf(shards, top);
  const threshold = Math.max(minScore, best);
  const ids = join(folder, idsFile);
  const idsPart = createWriteStream(`${ids}.part`);
  let kept = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (const shard of shards) {
    const { file } = shard;
    signal.throwIfAborted();
    const keptHere = new Set<number>();
    for await (const rows of scoresOf(shard)) {
      for (const { index, id, score } of rows) {
        if (score < threshold) continue;
        keptHere.add(index);
        lowest = Math.min(lowest, score);
        const name = id ?? (shards.length === 1 ? String(index) : `${basename(file)}:${index}`);
        if (!idsPart.write(`${inOneLine(name.replaceAll(/[\r\n]/g, ' '))}\n`)) {
          await once(idsPart, 'drain', { signal });
        }
      }
    }
    kept += keptHere.size;
    await writeShard(file, join(folder, basename(file)), keptHere, signal);
  }
  idsPart.end();
  await finished(idsPart);
  await rename(`${ids}.part`, ids);
  const ties = threshold === best && wanted !== undefined ? Math.max(0, kept - wanted) : 0;
  return { folder, scored, kept, threshold: kept === 0 ? null : lowest, ties, ids };
}

async function writeShard(file: string, target: string, kept: ReadonlySet<number>, signal: AbortSignal) {
  const part = `${target}.part`;
  if (kept.size === 0) return await rm(target, { force: true });
  const isKept = (index: number) => kept.has(index);
  const isParquet = formatOfFile(file)?.format.name === 'parquet';
  const subset = isParquet
    ? subsetOfParquet(file, isKept)
    : subsetOfTar(readBody(createReadStream(file)).bytes, isKept);
  const out = createWriteStream(part, { flush: true });
  const isGzip = /\.(gz|tgz)$/i.test(file);
  await (isGzip ? pipeline(subset, createGzip(), out, { signal }) : pipeline(subset, out, { signal }));
  await rename(part, target);
}

/**
 * Returns the score from which `top` keeps the samples of all shards together; 0 without `top`. It needs 8 bytes of
 * memory for each sample.
 */
async function thresholdOf(shards: readonly ScoredShard[], top: Top | undefined) {
  let scores = new Float64Array(1024);
  let scored = 0;
  for (const shard of shards) {
    for await (const rows of scoresOf(shard)) {
      for (const { score } of rows) {
        if (scored === scores.length) {
          const larger = new Float64Array(2 * scored);
          larger.set(scores);
          scores = larger;
        }
        scores[scored++] = score;
      }
    }
  }
  if (top === undefined || scored === 0) return { scored, threshold: 0, wanted: undefined };
  const wanted = countOfTop(top, scored);
  const sorted = scores.subarray(0, scored).sort();
  return { scored, threshold: sorted[scored - wanted] ?? 0, wanted };
}
