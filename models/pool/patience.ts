/** The number of steps into which a wait is divided. */
const steps = 10;

/**
 * Calls `onOver` after `ms` milliseconds. The time is counted in steps, and a step counts as one even when it ends
 * late. Time during which this process was stopped (by SIGSTOP, or with a suspended machine) therefore counts as one
 * step at most. Otherwise an encoder that was stopped at the same time would be regarded as hanging.
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
