/** A pool is calibrated when nothing was asked of it for this long (ms). */
const quietMs = 2_000;

/**
 * Runs `calibrate` once, when the pool has been idle for two seconds.
 * @param idleMs how long the pool has been idle; undefined while it works, or has no encoder.
 * @returns the timer.
 */
export function calibrateWhenQuiet(idleMs: () => number | undefined, calibrate: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    const idle = idleMs();
    if (idle === undefined || idle < quietMs) return;
    clearInterval(timer);
    calibrate();
  }, quietMs / 4);
  return timer.unref();
}
