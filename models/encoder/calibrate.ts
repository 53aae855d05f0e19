import type { Calibration } from './protocol.ts';

/** Micro-batch sizes, tried in this order. */
const sizes = [1, 2, 4, 8, 16, 32, 64];
const runsEach = 4;
/** Stop at a size whose run would delay an interactive request for longer than this (ms). */
const longestRunMs = 1_000;
/** A larger size must be faster by this factor, since it costs latency and memory. */
const worthwhile = 1.03;

/**
 * Times the vision tower with growing micro-batches, and stops when a larger one is no faster.
 * @param run runs the tower once over this many images, in turn with other work.
 * @returns the time of the tower alone (ms).
 */
export async function calibrate(run: (images: number) => Promise<number>): Promise<Calibration> {
  const imagesPerSecond: Record<number, number> = {};
  let best = { images: 1, rate: 0 };
  let last = 0;
  for (const images of sizes) {
    if (last > 0 && (images / last) * 1000 > longestRunMs) break;
    // The first run of a size allocates memory. The fastest of the others was disturbed least.
    const times: number[] = [];
    for (let at = 0; at < runsEach; at++) times.push(await run(images));
    const fastest = Math.min(...times.slice(1));
    const rate = (1000 * images) / fastest;
    imagesPerSecond[images] = Math.round(rate * 10) / 10;
    last = rate;
    if (rate > best.rate * worthwhile) best = { images, rate };
    else if (images >= 4 * best.images) break;
  }
  return { images: best.images, imagesPerSecond };
}
