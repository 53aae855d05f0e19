import type { Trial, WindowFigures } from '../shared/contracts/traffic.ts';
import { fewestPairs } from './counts.ts';

/**
 * The minimum number of items that a canary must have in a window. With fewer items, the window is not judged, even
 * when it has reached its maximum age.
 */
const fewestItems = 20;

/**
 * Judges a window of a canary. A canary is a model on trial, and a window is a group of its consecutive items.
 *
 * A window ends when it has enough items or has reached its maximum age. It ends earlier if so many items have failed
 * that it can no longer pass. If the canary must be compared with the main model, the window passes only with enough
 * comparisons.
 * @param seconds the age of the window.
 * @returns the reasons why the window failed; an empty list when it passed; undefined while it has not ended.
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
 * Returns true when a canary was too slow in a window. Other programs on the machine may slow down a single window, so
 * only two slow windows in a row end the trial.
 */
export const isSlow = ({ latencyRatio }: Pick<WindowFigures, 'latencyRatio'>, guard: Trial['guard']): boolean =>
  latencyRatio !== null && latencyRatio > guard.latencyRatio;

const percent = (share: number | null): string => `${(100 * (share ?? 0)).toFixed(1)} %`;
