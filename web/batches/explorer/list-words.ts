import * as numbers from '../../ui/numbers.ts';
import type { Listing } from './listing-source.ts';
import { type ExplorerQuery, isFiltered } from './query.ts';

/** Describes the number of listed pairs, or of groups of equal pairs. Empty if the list cannot be loaded. */
export function countWords(
  { count, isComplete, failure }: Pick<Listing, 'count' | 'isComplete' | 'failure'>,
  pairs: number,
  asked: ExplorerQuery,
): string {
  const total = numbers.counted(pairs, 'pair');
  if (!isFiltered(asked)) return total;
  if (failure !== undefined && count === 0) return '';
  const listed = `${numbers.count(count)}${isComplete ? '' : ' or more'}`;
  if (asked.distinct === undefined) return `${listed} of ${total}`;
  const groups = isComplete && count === 1 ? '1 group' : `${listed} groups`;
  // The pairs of these groups are not counted. With other filters, they are not all pairs.
  return isFiltered({ ...asked, distinct: undefined }) ? groups : `${groups} of ${total}`;
}

export function emptyWords(asked: ExplorerQuery): string {
  if (!isFiltered(asked)) return 'No results yet.';
  const { min, max } = asked;
  if (min === undefined || max === undefined || min <= max) return 'No pair matches these filters.';
  const upper = numbers.upperLimit(max);
  return `No pair can match: the score “from” (${min}) is above “${upper.word}” (${upper.value}).`;
}
