import { createFairPlaces } from '../shared/fair-places.ts';
import type { Mode } from '../shared/metrics.ts';

/**
 * Limits the number of images in memory, from the start of the download until the image is embedded. Tenants share the
 * limit fairly.
 */
export interface ImagePlaces {
  /**
   * Runs `work` as soon as the tenant may have one more image in memory.
   * @throws the reason of the signal when it aborts during the wait.
   */
  hold<Value>(
    mode: Mode,
    caller: { tenant?: string | undefined; signal?: AbortSignal | undefined },
    work: () => Promise<Value>,
  ): Promise<Value>;
}

/**
 * The ratio of the limits for interactive requests and batches. Hundreds of interactive requests may wait for image
 * hosts.
 */
const singlesPerBatchPlace = 4;

/** @param concurrency the limit for batches. The limit for interactive requests is four times as high. */
export function createImagePlaces(concurrency: number): ImagePlaces {
  const places = {
    batch: createFairPlaces({
      places: concurrency,
      guaranteed: Math.ceil(concurrency / 8),
      hardLimit: 2 * concurrency,
    }),
    single: createFairPlaces({
      places: singlesPerBatchPlace * concurrency,
      guaranteed: Math.ceil(concurrency / 2),
      hardLimit: 2 * singlesPerBatchPlace * concurrency,
    }),
  };
  return {
    async hold(mode, { tenant = '', signal }, work) {
      const release = await places[mode].take(tenant, signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
