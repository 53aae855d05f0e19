/** A pool is calibrated while nothing was asked of it for this long (ms). */
const quietMs = 2_000;

/**
 * Calls `calibrate` repeatedly while the pool has been idle for two seconds or more.
 * @param idleMs how long the pool has been idle; undefined while it works, or has no encoder.
 * @returns the timer, to be cleared when the calibration is complete.
 */
export function calibrateWhenQuiet(idleMs: () => number | undefined, calibrate: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    const idle = idleMs();
    if (idle !== undefined && idle >= quietMs) calibrate();
  }, quietMs / 4);
  return timer.unref();
}
