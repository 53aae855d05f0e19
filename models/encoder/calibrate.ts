import type { Calibration } from './protocol.ts';

/** The micro-batch sizes (numbers of images in one run) that are tried, in this order. */
const sizes = [1, 2, 4, 8, 16, 32, 64];
const runsEach = 4;
/** The maximum expected duration in ms of a run that is tried. Interactive requests have to wait while a run lasts. */
const longestRunMs = 500;
/**
 * The factor by which a larger size must increase the throughput to be chosen. A larger size costs latency and memory.
 */
const worthwhile = 1.03;

/**
 * Measures the throughput of the vision tower with growing micro-batches, until larger ones are no longer faster.
 * @param run runs the tower once over the given number of images. It returns the time of the tower alone in ms, or
 * undefined when other work has arrived and the tower was not run.
 * @param known the images per second of sizes that were measured earlier. They are not measured again.
 * @throws the error of a run over one image.
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
      // When a size fails, usually for lack of memory, neither it nor a larger size is used.
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

/** Measures one size. @returns the images per second; undefined when other work has arrived. */
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
  // The first run of a size allocates memory, so it is not counted. Of the others, the fastest was disturbed least.
  return Number(((1000 * images) / Math.min(...times.slice(1))).toPrecision(4));
}
