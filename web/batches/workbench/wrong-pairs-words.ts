import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import * as numbers from '../../ui/numbers.ts';
import { titleOf } from '../state.ts';

/** The maximum number of images scored with the texts of other items. More would not visibly change the chart. */
export const wrongPairsScored = 10_000;

export const wrongPairsName = (batch: Pick<BatchStatus, 'id' | 'name'>): string => `${titleOf(batch)}, wrong pairs`;

/**
 * Returns false for a batch without wrong pairs: its items are such pairs, or they are requests without pairs, or there is
 * no other text.
 */
export const hasWrongPairs = ({ texts, requests, items }: Pick<BatchStatus, 'texts' | 'requests' | 'items'>): boolean =>
  texts !== 'others' && requests === null && items.total > 1;

/** Describes the images that are posted with the texts of other rows. Failed items are posted too. */
export function postedWords({ items: { total, failed } }: Pick<BatchStatus, 'items'>): string {
  const posted =
    total <= wrongPairsScored
      ? numbers.counted(total, 'image')
      : `${numbers.count(wrongPairsScored)} of the ${numbers.count(total)} images`;
  const words = `${posted}, each with the text of another row.`;
  if (failed === 0) return words;
  return `${words} Items that failed here are posted too, but most of them fail again and get no score.`;
}

/** Describes the wrong pairs with a score, and the number of posted ones if it differs. */
export function scoredWords({ total, succeeded }: Pick<BatchStatus['items'], 'total' | 'succeeded'>): string {
  const scored = `${numbers.count(succeeded)} scored`;
  return total === succeeded ? scored : `${scored} (${numbers.count(total)} posted)`;
}
