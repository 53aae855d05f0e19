/** The number of steps that a wait is divided into. */
const steps = 10;

/**
 * Calls `onOver` after `ms`. The time is counted in steps, and a late step counts as one step. So time in which this
 * process was stopped (SIGSTOP, a suspended machine) counts as one step at most: an encoder that could not run is not
 * regarded as hanging.
 * @returns a function that cancels the wait.
 */
export function afterPatience(ms: number, onOver: () => void): () => void {
  let left = steps;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    onOver();
  }, ms / steps);
  return () => clearInterval(timer);
}
