import * as numbers from '../../ui/numbers.ts';
import type { SaverState } from './label-saver.ts';

/** Returns the words after the number of judged pairs; undefined if no label is late, or a sentence has the reason. */
export const lateWords = ({ unsaved: { size }, failure, isLate }: SaverState): string | undefined =>
  isLate && failure === undefined && size > 0 ? `${numbers.count(size)} not stored yet` : undefined;

/** Returns the sentence about labels that could not be stored yet; undefined if no request has failed. */
export function unsavedWords({ unsaved: { size }, failure, isKept }: SaverState): string | undefined {
  if (failure === undefined || size === 0) return undefined;
  const kept = isKept ? '' : ' Keep it open, because the storage of this browser is full.';
  const labels = `${numbers.counted(size, 'label')} ${size === 1 ? 'is' : 'are'}`;
  return `${labels} not stored yet. ${failure.title}. The page tries again.${kept}`;
}
