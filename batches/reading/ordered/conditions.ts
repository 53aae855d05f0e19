import type { Selection } from '../../../shared/contracts/batch/results.ts';
import { cosineSteps, failedEntry, firstEntry, lastEntry, scoredEntry } from '../../store/score-index.ts';

/** A range of entries of the score index, both ends included. */
export interface Range {
  from: number;
  to: number;
}

/**
 * The conditions of a selection as ranges of the score index. `q` is checked later, because the index contains no
 * texts.
 */
export interface Conditions {
  /** Items with a score; undefined when none is selected. */
  scored: Range | undefined;
  /** Items without a score. */
  unscored: Range[];
  /** True when the selection includes cancelled items, which have no entry in the score index. */
  cancelled: boolean;
}

/**
 * Converts the filters of a query to ranges of the score index.
 * @param lastOfTop the lowest cosine, in millionths, among the items that `top` selects.
 * @param needsScore true when another condition of the query excludes items without a score.
 */
export function conditionsOf(
  { status, minScore, maxScore, code }: Selection,
  lastOfTop: number | undefined,
  needsScore = false,
): Conditions {
  const hasLimits = needsScore || minScore !== undefined || maxScore !== undefined || lastOfTop !== undefined;
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

/** Returns the entries of scores between two limits. A score is 100 times the cosine, or 0 for a negative cosine. */
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
