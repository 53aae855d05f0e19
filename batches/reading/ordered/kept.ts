import type { KeptSamples } from '../../../shared/contracts/batch.ts';
import { readTop } from '../../../shared/top.ts';
import type { BatchRecord } from '../../store/record.ts';
import type { Source } from '../read-chunks.ts';
import { readChunkIndex } from './chunk-index.ts';
import { conditionsOf } from './conditions.ts';
import type { MeetsRule } from './rule.ts';
import { readSegments } from './segments.ts';
import { selectTop } from './top.ts';

/**
 * Returns a function that returns true for an item that has a score of at least `minScore` and is among the best (the
 * option `top`). It needs one bit of memory per item.
 */
export async function readKept(
  source: Source,
  batch: BatchRecord,
  { minScore = 0, top = '1.0' }: KeptSamples,
): Promise<MeetsRule> {
  await readChunkIndex(source, batch);
  const best = readTop(top);
  const selected = best && (await selectTop(readSegments(source, batch), best));
  const { from, to } = conditionsOf({ minScore }, selected?.lastMillionths).scored ?? { from: 1, to: 0 };
  const bits = new Uint8Array(Math.ceil(batch.total / 8));
  for await (const { first, entries } of readSegments(source, batch)) {
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] ?? 0;
      const index = first + at;
      if (entry >= from && entry <= to) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
    }
  }
  return (index) => (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}
