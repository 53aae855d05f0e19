import type { Trial, WindowFigures } from '../shared/contracts/traffic.ts';

/** Items of a canary without which no window is judged by its age. */
const fewestItems = 20;

/**
 * What a window of a canary says: nothing yet, or what failed, in words; an empty list when it passed.
 *
 * It ends when it has its items, or its time is over; and at once when so many have failed that the rest could not save
 * it. A canary that was to be compared with the main model is not passed before it was.
 * @param seconds age of the window.
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
      `${percent(errorShare)} of its items failed, against ${percent(mainErrorShare)} of the main model's; ${percent(guard.errorShare)} more are allowed`,
    );
  }
  if (isSlow(figures, guard)) {
    reasons.push(
      `it takes ${latencyRatio?.toFixed(2)} times as long as the main model; ${guard.latencyRatio} is allowed`,
    );
  }
  if (scoreDrift !== null && scoreDrift > guard.scoreDrift) {
    reasons.push(
      `its scores are ${scoreDrift.toFixed(2)} points from the main model's in the mean; ${guard.scoreDrift} is allowed`,
    );
  }
  if (rankCorrelation !== null && rankCorrelation < guard.rankCorrelation) {
    reasons.push(
      `it ranks the same items differently: correlation ${rankCorrelation.toFixed(3)}, at least ${guard.rankCorrelation} is asked for`,
    );
  }
  if (reasons.length === 0 && compare > 0 && scoreDrift === null) return undefined;
  return reasons;
}

/** Other programs of a machine may slow one window down: time alone takes two in a row to end a trial. */
export const isSlow = ({ latencyRatio }: Pick<WindowFigures, 'latencyRatio'>, guard: Trial['guard']): boolean =>
  latencyRatio !== null && latencyRatio > guard.latencyRatio;

const percent = (share: number | null): string => `${(100 * (share ?? 0)).toFixed(1)} %`;
