import type { BatchRecord } from '../../store/record.ts';
import { millionthsOf } from '../../store/score-index.ts';
import { readSegments } from '../ordered/segments.ts';
import type { Source } from '../read-chunks.ts';
import { toScore } from './scale.ts';

/** Returns the scores of those of the items that have one. */
export async function readScoresAt(
  source: Source,
  batch: BatchRecord,
  indexes: readonly number[],
): Promise<Map<number, number>> {
  const scores = new Map<number, number>();
  for await (const { first, entries } of readSegments(source, batch)) {
    for (const index of indexes) {
      const millionths = millionthsOf(entries[index - first] ?? 0);
      if (millionths !== undefined) scores.set(index, toScore(millionths));
    }
  }
  return scores;
}
