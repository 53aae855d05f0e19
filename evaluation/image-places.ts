import { createFairPlaces } from '../shared/fair-places.ts';
import type { Mode } from '../shared/metrics.ts';

/** Places for image bytes in memory, shared fairly between tenants. */
export interface ImagePlaces {
  /**
   * Runs `work` while the tenant holds a place.
   * @throws the signal's reason when it aborts during the wait.
   */
  hold<Value>(
    mode: Mode,
    caller: { tenant?: string | undefined; signal?: AbortSignal | undefined },
    work: () => Promise<Value>,
  ): Promise<Value>;
}

/**
 * Interactive places for each batch place. An image holds its place during its download, which may take a second, so
 * hundreds of requests wait for hosts at a time.
 */
const singlesPerBatchPlace = 4;

/** @param concurrency places of batches. Interactive requests have four times as many. */
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
