/** The idle time in ms before a calibration, which measures the speed of several micro-batch sizes. */
const quietMs = 2_000;

/**
 * Calls `calibrate` repeatedly while the pool is idle.
 * @param idleMs undefined while the pool has tasks or no loaded encoder.
 * @returns the timer, which the caller must clear after the calibration.
 */
export function calibrateWhenQuiet(idleMs: () => number | undefined, calibrate: () => void): NodeJS.Timeout {
  const timer = setInterval(() => {
    const idle = idleMs();
    if (idle !== undefined && idle >= quietMs) calibrate();
  }, quietMs / 4);
  return timer.unref();
}
