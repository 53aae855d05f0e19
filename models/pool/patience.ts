/** The number of steps into which a wait is divided. */
const steps = 10;

/**
 * Calls `onOver` after `ms` milliseconds. The time is divided into steps of equal length. A step that ends late still
 * counts as one step. If this process is stopped (by SIGSTOP, or because the machine is suspended), the pause therefore
 * counts as at most one step. Otherwise an encoder that was stopped at the same time would be regarded as hanging.
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
