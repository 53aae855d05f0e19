import type { KeptSamples } from '../../../shared/contracts/batch/post.ts';
import { readTop } from '../../../shared/top.ts';
import type { BatchRecord } from '../../store/record.ts';
import { millionthsOf } from '../../store/score-index.ts';
import type { Source } from '../read-chunks.ts';
import { readChunkIndex } from './chunk-index.ts';
import { conditionsOf } from './conditions.ts';
import { readSegments } from './segments.ts';
import { selectTop } from './top.ts';

export interface KeptItems {
  isKept: (index: number) => boolean;
  /** One bit for each item, the lowest bit of a byte first; set for kept items. */
  bits: Uint8Array;
  count: number;
  /** The lowest score among the kept items; null when none is kept. */
  threshold: number | null;
}

/** Reads which items have a score of at least `minScore` and are among the best, with one bit of memory per item. */
export async function readKept(
  source: Source,
  batch: BatchRecord,
  { minScore = 0, top = '1.0' }: KeptSamples,
): Promise<KeptItems> {
  await readChunkIndex(source, batch);
  const best = readTop(top);
  const selected = best && (await selectTop(readSegments(source, batch), best));
  const { from, to } = conditionsOf({ minScore }, selected?.lastMillionths).scored ?? { from: 1, to: 0 };
  const bits = new Uint8Array(Math.ceil(batch.total / 8));
  let count = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for await (const { first, entries } of readSegments(source, batch)) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      if (entry < from || entry > to) continue;
      const index = first + at;
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
      count++;
      lowest = Math.min(lowest, entry);
    }
  }
  return {
    isKept: (index) => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1,
    bits,
    count,
    threshold: count === 0 ? null : Math.max(0, millionthsOf(lowest) ?? 0) / 10_000,
  };
}
