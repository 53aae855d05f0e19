import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import * as numbers from '../../ui/numbers.ts';
import { titleOf } from '../state.ts';

/** The maximum number of images scored with the texts of other items. More would not visibly change the chart. */
export const wrongPairsScored = 10_000;

export const wrongPairsName = (batch: Pick<BatchStatus, 'id' | 'name'>): string => `${titleOf(batch)}, wrong pairs`;

/** Describes how many images can be scored with wrong texts. Failed items are posted too, but most fail again. */
export function scoredWords({ items: { total, failed } }: Pick<BatchStatus, 'items'>): string {
  if (total <= wrongPairsScored) return numbers.counted(total - failed, 'image');
  const share = (total - failed) / total;
  return `about ${numbers.counted(Math.round(share * wrongPairsScored), 'image')}`;
}
