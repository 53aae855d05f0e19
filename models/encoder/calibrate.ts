import type { Calibration } from './protocol.ts';

/** Images per inference run, measured in this order. */
const sizes = [1, 2, 4, 8, 16, 32, 64];
const runsEach = 4;
/** The maximum expected duration of a measured run in ms. Interactive requests wait during a run. */
const longestRunMs = 500;
/** The factor by which a larger micro-batch must raise the throughput, because it costs latency and memory. */
const worthwhile = 1.03;

/**
 * Measures the throughput of the vision model with growing micro-batches, until larger ones are no faster.
 * @param run returns the duration of a run in ms; undefined, without running, when other work has arrived.
 * @param known images per second of sizes that need no new measurement.
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
      // Usually memory did not suffice. Larger sizes are not tried.
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

/** Returns the images per second; undefined when other work has arrived. */
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
  // The first run allocates memory and does not count. Other load disturbs the fastest run least.
  return Number(((1000 * images) / Math.min(...times.slice(1))).toPrecision(4));
}
