import type { Duplicates, OrderedSelection, Rule, Sampling, Selection } from '../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { StoredItem } from '../store/payload.ts';

/** Returns true when a selection depends on the posted items, not only on the results. */
export const needsItems = ({ q }: Selection): boolean => q !== undefined;

/** Returns true when a query needs the score index. */
export const isOrdered = ({ sort, top, other, sample, ...query }: OrderedSelection): boolean =>
  [sort, top, other, sample, ...Object.values(duplicatesOf(query))].some((value) => value !== undefined);

export const ruleOf = ({ other, otherMinScore, otherMaxScore, otherScored, minDifference }: Rule): Rule => ({
  ...{ other, otherMinScore, otherMaxScore, otherScored, minDifference },
});

export const duplicatesOf = ({ distinct, sameImageAs, samePairAs }: Duplicates): Duplicates => ({
  ...{ distinct, sameImageAs, samePairAs },
});

export const samplingOf = ({ sample, seed }: Sampling): Sampling => ({ sample, seed });

/** Returns true when a query selects every result. */
export const isWhole = ({ top, other, sample, ...query }: OrderedSelection): boolean =>
  [top, other, sample, ...Object.values(selectionOf(query)), ...Object.values(duplicatesOf(query))].every(
    (value) => value === undefined,
  );

export const selectionOf = ({ status, minScore, maxScore, code, q }: Selection): Selection => ({
  ...{ status, minScore, maxScore, code, q },
});

/**
 * Returns a function that checks all conditions. Score limits are inclusive. The id or the text must contain `q` in any
 * case.
 */
export function createSelector(selection: Selection): (result: ItemResult, item: StoredItem | undefined) => boolean {
  const { status, minScore, maxScore, code, q } = selection;
  const searched = q?.toLowerCase();
  return (result, item) => {
    if (status !== undefined && result.status !== status) return false;
    if (code !== undefined && (result.status !== 'failed' || result.error.code !== code)) return false;
    if (minScore !== undefined || maxScore !== undefined) {
      if (result.status !== 'succeeded') return false;
      if (minScore !== undefined && result.score < minScore) return false;
      if (maxScore !== undefined && result.score > maxScore) return false;
    }
    if (searched === undefined) return true;
    return [result.id, item?.text].some((text) => text?.toLowerCase().includes(searched));
  };
}
