import type { Trial, WindowFigures } from '../shared/contracts/traffic.ts';
import { fewestPairs } from './counts.ts';

/** The minimum number of items for judging a window, even at its maximum age. */
const fewestItems = 20;

/**
 * Judges a window: consecutive items of a canary (a model on trial). It ends when it has enough items, reaches its
 * maximum age, or can no longer pass. If the canary is compared, a pass needs enough comparisons.
 * @param seconds the age of the window.
 * @returns the reasons of a failure; an empty list for a pass; undefined before the end.
 */
export function judge(
  figures: WindowFigures,
  { guard, window, compare }: Pick<Trial, 'guard' | 'window' | 'compare'>,
  seconds: number,
): string[] | undefined {
  const { items, errorShare, mainErrorShare, latencyRatio, scoreDrift, rankCorrelation } = figures;
  const allowed = (mainErrorShare ?? 0) + guard.errorShare;
  const failed = (errorShare ?? 0) * items;
  const isLost = items >= fewestItems && failed > allowed * Math.max(items, window.items);
  const isFull = items >= window.items || (items >= fewestItems && seconds >= window.seconds);
  if (!isLost && !isFull) return undefined;

  const reasons: string[] = [];
  if ((errorShare ?? 0) > allowed) {
    reasons.push(
      `${percent(errorShare)} of its items failed, compared with ${percent(mainErrorShare)} of the items of the main model; the allowed difference is ${percent(guard.errorShare)}`,
    );
  }
  if (isSlow(figures, guard)) {
    reasons.push(
      `it takes ${latencyRatio?.toFixed(2)} times as long as the main model; at most ${guard.latencyRatio} is allowed`,
    );
  }
  if (scoreDrift !== null && scoreDrift > guard.scoreDrift) {
    reasons.push(
      `its scores differ from the scores of the main model by ${scoreDrift.toFixed(2)} points on average; at most ${guard.scoreDrift} is allowed`,
    );
  }
  if (rankCorrelation !== null && rankCorrelation < guard.rankCorrelation) {
    reasons.push(
      `it ranks the same items differently: the rank correlation is ${rankCorrelation.toFixed(3)}, and at least ${guard.rankCorrelation} is required`,
    );
  }
  if (reasons.length === 0 && compare > 0 && figures.compared < fewestPairs) return undefined;
  return reasons;
}

/**
 * Returns true when a canary was too slow. Other programs may slow down one window, so only two slow windows in a row
 * end the trial.
 */
export const isSlow = ({ latencyRatio }: Pick<WindowFigures, 'latencyRatio'>, guard: Trial['guard']): boolean =>
  latencyRatio !== null && latencyRatio > guard.latencyRatio;

const percent = (share: number | null): string => `${(100 * (share ?? 0)).toFixed(1)} %`;
