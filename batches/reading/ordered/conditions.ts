import type { Selection } from '../../../shared/contracts/batch/results.ts';
import { cosineSteps, failedEntry, firstEntry, lastEntry, scoredEntry } from '../../store/score-index.ts';

/** A range of entries of the index of scores: the lowest and the highest entry, both included. */
export interface Range {
  from: number;
  to: number;
}

/**
 * The conditions of a selection, as ranges of entries in the index of scores. The condition `q` is not included: it is
 * checked later, because the index contains no texts.
 */
export interface Conditions {
  /** The range of entries of items with a score; undefined when the selection includes no scored item. */
  scored: Range | undefined;
  /** The ranges of entries of items without a score. */
  unscored: Range[];
  /** True when the selection includes cancelled items, for which the index of scores has no entry. */
  cancelled: boolean;
}

/**
 * Converts the filters of a query to ranges of entries in the index of scores.
 * @param lastOfTop the lowest cosine, in millionths, among the items that `top` selects.
 * @param hasRule true when the query also compares with a second batch. Items without a score are then left out.
 */
export function conditionsOf(
  { status, minScore, maxScore, code }: Selection,
  lastOfTop: number | undefined,
  hasRule = false,
): Conditions {
  const hasLimits = hasRule || minScore !== undefined || maxScore !== undefined || lastOfTop !== undefined;
  const mayBe = (outcome: Selection['status']) => status === undefined || status === outcome;
  const scored = rangeOf(minScore, maxScore, lastOfTop);
  const unscored: Range[] = [];
  if (!hasLimits && mayBe('failed')) {
    const failed = code === undefined ? undefined : failedEntry(code);
    unscored.push({ from: failed ?? firstEntry('failed'), to: failed ?? lastEntry('failed') });
  }
  if (!hasLimits && mayBe('answered') && code === undefined) {
    unscored.push({ from: firstEntry('answered'), to: lastEntry('answered') });
  }
  return {
    scored: mayBe('succeeded') && code === undefined && scored.from <= scored.to ? scored : undefined,
    unscored,
    cancelled: !hasLimits && mayBe('cancelled') && code === undefined,
  };
}

/**
 * Returns the range of entries for scores between two limits. A score is 100 times the cosine, or 0 for a negative
 * cosine, so one millionth of a cosine is one ten-thousandth of a score.
 */
function rangeOf(minScore = 0, maxScore = 100, lastOfTop = -cosineSteps): Range {
  const scoreOf = (millionths: number) => millionths / 10_000;
  // Every negative cosine has the score 0.
  let low = -cosineSteps;
  if (minScore > 0) {
    low = Math.min(cosineSteps + 1, Math.max(0, Math.floor(minScore * 10_000) - 1));
    while (low <= cosineSteps && scoreOf(low) < minScore) low++;
  }
  let high = Math.max(-1, Math.min(cosineSteps, Math.ceil(maxScore * 10_000) + 1));
  while (high >= 0 && scoreOf(high) > maxScore) high--;
  if (high < 0) return { from: 1, to: 0 };
  return { from: scoredEntry(Math.max(low, lastOfTop)), to: scoredEntry(high) };
}
