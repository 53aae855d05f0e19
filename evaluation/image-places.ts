import { createFairPlaces } from '../shared/fair-places.ts';
import type { Mode } from '../shared/metrics.ts';

/**
 * Limits the number of images in memory. Each image occupies a slot from the start of its download until it is
 * embedded. Tenants share the slots fairly.
 */
export interface ImagePlaces {
  /**
   * Waits until the tenant gets a slot (the permission to have one image in memory). Then runs `work`, and frees the
   * slot.
   * @throws the reason of the signal when it aborts during the wait.
   */
  hold<Value>(
    mode: Mode,
    caller: { tenant?: string | undefined; signal?: AbortSignal | undefined },
    work: () => Promise<Value>,
  ): Promise<Value>;
}

/**
 * The ratio of slots for interactive requests to slots for batches. (A slot is the permission to have one image in
 * memory.) A download may take a second, so hundreds of interactive requests may wait for image hosts.
 */
const singlesPerBatchPlace = 4;

/**
 * Creates the slots, each of which is the permission to have one image in memory. @param concurrency the number of
 * slots for batches. Interactive requests have four times as many.
 */
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
