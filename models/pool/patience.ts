const steps = 10;

/**
 * Calls `onOver` after `ms` milliseconds, in steps. A stop of this process (SIGSTOP, machine suspended) counts as at
 * most one step. Otherwise an encoder that was stopped meanwhile would seem to hang.
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
