/**
 * A pool without tasks for this time in ms may be calibrated: the speed of the vision tower is measured for several
 * numbers of images in one run (micro-batch sizes).
 */
const quietMs = 2_000;

/**
 * Calls `calibrate` repeatedly while the pool has been idle for two seconds or more.
 * @param idleMs returns the time in ms for which the pool has been idle; undefined while it has tasks, or has no loaded
 * encoder.
 * @returns the timer, to be cleared when the calibration is complete.
 */
export function calibrateWhenQuiet(idleMs: () => number | undefined, calibrate: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    const idle = idleMs();
    if (idle !== undefined && idle >= quietMs) calibrate();
  }, quietMs / 4);
  return timer.unref();
}
