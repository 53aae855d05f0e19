import type { Calibration } from './protocol.ts';

/** Sizes that are tried, in this order. */
const sizes = [1, 2, 4, 8, 16, 32, 64];
const runsEach = 4;
/** A size is not tried when its run would hold up an interactive request longer than this, in milliseconds. */
const longestRunMs = 1_000;
/** A larger size must be better by this much, as it costs latency and memory. */
const worthwhile = 1.03;

/**
 * Times the tower with growing micro-batches and stops once that no longer helps.
 * @param run one run over so many pictures, that takes turns with other work.
 * @returns its time in milliseconds, the tower alone.
 */
export async function calibrate(run: (images: number) => Promise<number>): Promise<Calibration> {
  const imagesPerSecond: Record<number, number> = {};
  let best = { images: 1, rate: 0 };
  let last = 0;
  for (const images of sizes) {
    if (last > 0 && (images / last) * 1000 > longestRunMs) break;
    // The first run of a size allocates; of the others the fastest is the one that was disturbed least.
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
