import { type ChunkConsumer, consumeChunks, type Delivery } from '../batches/queue/chunk-consumer.ts';
import { createFairPlaces, type FairPlaces } from '../shared/fair-places.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { Redis } from '../shared/redis.ts';
import { type ChunkProcessor, chunkVerdicts } from './chunk-processor.ts';

/** The consumers that take chunks from the queues, one for each profile that the worker serves. */
export interface ProfileConsumers {
  /**
   * Starts consumers of new profiles, and closes those of profiles that can no longer be served.
   * @param known the profiles of the registry. A removed profile is still served for earlier batches.
   */
  serve(profiles: readonly string[], known: readonly string[]): void;
  profiles(): string[];
  /** Returns the longest time in ms for which a consumer was idle without a chunk although chunks were waiting. */
  silentMs(): number;
  /** @param force closes without waiting for chunks in flight. */
  close(force: boolean): Promise<void>;
}

/**
 * The limits of simultaneous chunks of one profile. Eight of the small first chunks of a batch keep several encoders
 * and slow hosts busy. A tenant gets two even when others use all eight.
 */
const chunkPlaces = { places: 8, guaranteed: 2, hardLimit: 24 };
/** The delay in ms of a chunk that exceeded the limits. */
const noPlaceDelayMs = 1_000;

interface ProfileConsumer {
  consumer: ChunkConsumer;
  places: FairPlaces;
}

export function createProfileConsumers(
  redis: Redis,
  processor: ChunkProcessor,
  metrics: Metrics,
  log: Logger,
): ProfileConsumers {
  const serving = new Map<string, ProfileConsumer>();
  /**
   * Kept when a consumer is closed, because its last chunks still count when the next consumer of the profile starts.
   */
  const placesOf = new Map<string, FairPlaces>();

  metrics.onScrape({
    read: () =>
      [...serving].flatMap(([queue, { consumer, places }]) => [
        { name: 'vls_chunks_in_flight' as const, labels: { queue }, value: places.total().held },
        { name: 'vls_worker_silent_seconds' as const, labels: { queue }, value: consumer.silentMs() / 1000 },
      ]),
  });

  function start(queue: string): ProfileConsumer {
    for (const verdict of chunkVerdicts) metrics.begin('vls_chunks_total', { queue, verdict });
    metrics.begin('vls_chunks_recovered_total', { queue });
    metrics.begin('vls_items_posted_total', { queue, profile: queue });
    metrics.begin('vls_chunk_wait_seconds', { queue });
    metrics.begin('vls_chunk_duration_seconds', { queue });
    const places = placesOf.get(queue) ?? createFairPlaces(chunkPlaces);
    placesOf.set(queue, places);
    const take = async (delivery: Delivery) => {
      const release = places.tryTake(delivery.data.tenant);
      if (release === undefined)
        return { putBack: 'the tenant already uses its share of this worker', delayMs: noPlaceDelayMs };
      try {
        return await processor(delivery, queue);
      } finally {
        release();
      }
    };
    const concurrency = {
      usual: chunkPlaces.places,
      most: chunkPlaces.hardLimit,
      hasPlace: (tenant: string) => places.held(tenant) < chunkPlaces.guaranteed,
    };
    const onRecovered = () => metrics.count('vls_chunks_recovered_total', { queue });
    return { places, consumer: consumeChunks(redis, queue, concurrency, take, log, onRecovered) };
  }

  return {
    serve(profiles, known) {
      for (const profile of profiles) if (!serving.has(profile)) serving.set(profile, start(profile));
      for (const [profile, { consumer }] of serving) {
        if (profiles.includes(profile) || !known.includes(profile)) continue;
        serving.delete(profile);
        consumer
          .close()
          .catch((error: Error) => log.warn({ err: error, profile }, 'cannot close a consumer of chunks'));
      }
      log.info({ profiles }, 'serving profiles');
    },
    profiles: () => [...serving.keys()],
    silentMs: () => Math.max(0, ...[...serving.values()].map(({ consumer }) => consumer.silentMs())),
    async close(force) {
      await Promise.all([...serving.values()].map(({ consumer }) => consumer.close(force)));
    },
  };
}
