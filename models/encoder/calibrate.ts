import type { Calibration } from './protocol.ts';

/** The micro-batch sizes (numbers of images in one encoder run) that are measured, in this order. */
const sizes = [1, 2, 4, 8, 16, 32, 64];
const runsEach = 4;
/** The maximum expected duration in ms of a measured run. Interactive requests have to wait during a run. */
const longestRunMs = 500;
/**
 * The minimum factor by which a larger micro-batch must increase the throughput. Otherwise the smaller one is chosen,
 * because a larger one costs latency and memory.
 */
const worthwhile = 1.03;

/**
 * Measures the throughput of the vision tower with growing micro-batches, until larger micro-batches are no longer
 * faster.
 * @param run runs the tower once over the given number of images. It returns the duration of the run in ms. It returns
 * undefined when other work has arrived, and then does not run the tower.
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
      // A size usually fails for lack of memory. Larger sizes are then not tried.
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

/** Measures one micro-batch size. @returns the images per second; undefined when other work has arrived. */
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
  // The first run of a size allocates memory, so it does not count. The shortest of the other runs is used, because
  // other load has disturbed it least.
  return Number(((1000 * images) / Math.min(...times.slice(1))).toPrecision(4));
}
