/** Steps in which a wait is counted. */
const steps = 10;

/**
 * Calls `onOver` after `ms`, counted in steps: a step that comes late counts once. So time during which the whole process
 * was stopped (SIGSTOP, a suspended machine) counts as one step at most, and nothing that could not run is taken to hang.
 * @returns ends the wait.
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
