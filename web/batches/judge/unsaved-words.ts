import * as numbers from '../../ui/numbers.ts';
import type { SaverState } from './label-saver.ts';

/** Returns the sentence about labels that could not be saved yet; undefined if no request has failed. */
export function unsavedWords({ unsaved: { size }, failure, isKept }: SaverState): string | undefined {
  if (failure === undefined || size === 0) return undefined;
  const kept = isKept ? '' : ' Keep it open, because the storage of this browser is full.';
  const labels = `${numbers.counted(size, 'label')} ${size === 1 ? 'is' : 'are'}`;
  return `${labels} not saved yet. ${failure.title}. The page tries again.${kept}`;
}
