import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { BatchRecord } from '../../store/record.ts';
import { millionthsOf } from '../../store/score-index.ts';
import { readSegments } from '../ordered/segments.ts';
import type { Source } from '../read-chunks.ts';
import { readItemsAt } from './items-at.ts';
import { toScore } from './scale.ts';

/**
 * Adds the scores of the items in another batch to their results.
 * @param withTexts true to add each text of the other batch that differs from the text of the result.
 */
export async function withOther(
  source: Source,
  other: BatchRecord,
  results: readonly ItemResult[],
  withTexts: boolean,
): Promise<ItemResult[]> {
  const indexes = results.map(({ index }) => index);
  const scores = await readScoresAt(source, other, indexes);
  const items = withTexts ? await readItemsAt(source, other, indexes) : undefined;
  return results.map((result) => {
    const otherScore = scores.get(result.index);
    const otherText = items?.get(result.index)?.text;
    return {
      ...result,
      ...(otherScore !== undefined && { otherScore }),
      ...(otherText !== undefined && otherText !== result.text && { otherText }),
    };
  });
}

async function readScoresAt(
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
