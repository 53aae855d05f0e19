/**
 * The time in ms without tasks after which a pool may be calibrated. A calibration measures the speed of the vision
 * tower for several micro-batch sizes (numbers of images in one run).
 */
const quietMs = 2_000;

/**
 * Calls `calibrate` again and again while the pool has been idle for two seconds or more.
 * @param idleMs returns the time in ms for which the pool has been idle; undefined while it has tasks or no loaded
 * encoder.
 * @returns the timer, which the caller must clear when the calibration is complete.
 */
export function calibrateWhenQuiet(idleMs: () => number | undefined, calibrate: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    const idle = idleMs();
    if (idle !== undefined && idle >= quietMs) calibrate();
  }, quietMs / 4);
  return timer.unref();
}
