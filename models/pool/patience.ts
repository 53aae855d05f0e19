/** Number of steps in a wait. */
const steps = 10;

/**
 * Calls `onOver` after `ms`, counted in steps. A late step counts once, so time in which this process was stopped
 * (SIGSTOP, a suspended machine) counts as one step at most: what could not run does not hang.
 * @returns cancels the wait.
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
