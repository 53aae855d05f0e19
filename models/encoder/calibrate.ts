import type { Calibration } from './protocol.ts';

/** Micro-batch sizes, tried in this order. */
const sizes = [1, 2, 4, 8, 16, 32, 64];
const runsEach = 4;
/** Stop at a size whose run would delay an interactive request for longer than this (ms). */
const longestRunMs = 500;
/** A larger size must be faster by this factor, since it costs latency and memory. */
const worthwhile = 1.03;

/**
 * Times the vision tower with growing micro-batches, and stops when a larger one is no faster.
 * @param run runs the tower once over this many images. Returns the time of the tower alone (ms); undefined when other
 * work has arrived, and nothing was run.
 * @param known images a second of sizes that were measured before.
 * @throws the error of the run over one image.
 */
export async function calibrate(
  run: (images: number) => Promise<number | undefined>,
  known: Readonly<Record<number, number>> = {},
): Promise<{ calibration: Calibration; isComplete: boolean }> {
  const imagesPerSecond: Record<number, number> = {};
  let best = { images: 1, rate: 0 };
  let last = 0;
  const found = (isComplete: boolean) => ({ calibration: { images: best.images, imagesPerSecond }, isComplete });
  for (const images of sizes) {
    if (last > 0 && (images / last) * 1000 > longestRunMs) break;
    let rate: number | undefined;
    try {
      rate = known[images] ?? (await measure(run, images));
    } catch (error) {
      // A size that cannot be run, usually for lack of memory, is not used.
      if (last > 0) break;
      throw error;
    }
    if (rate === undefined) return found(false);
    imagesPerSecond[images] = rate;
    last = rate;
    if (rate > best.rate * worthwhile) best = { images, rate };
    else if (images >= 4 * best.images) break;
  }
  return found(true);
}

/** @returns images a second; undefined when other work has arrived. */
async function measure(
  run: (images: number) => Promise<number | undefined>,
  images: number,
): Promise<number | undefined> {
  const times: number[] = [];
  for (let at = 0; at < runsEach; at++) {
    const time = await run(images);
    if (time === undefined) return undefined;
    times.push(time);
  }
  // The first run of a size allocates memory. The fastest of the others was disturbed least.
  return Number(((1000 * images) / Math.min(...times.slice(1))).toPrecision(4));
}
