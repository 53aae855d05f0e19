/** The number of steps that a wait is divided into. */
const steps = 10;

/**
 * Calls `onOver` after `ms` milliseconds. The time is counted in steps, and a step that ends late counts as one step.
 * So a time during which this process was stopped (SIGSTOP, a suspended machine) counts as one step at most. Otherwise
 * an encoder that was stopped too would be regarded as hanging.
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
