import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { BatchRecord } from '../../store/record.ts';
import type { Source } from '../read-chunks.ts';
import { readItemsAt } from './items-at.ts';
import { readScoresAt } from './scores-at.ts';

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
