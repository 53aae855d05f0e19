import { type ChunkConsumer, consumeChunks, type Delivery } from '../batches/queue/chunk-consumer.ts';
import { createFairPlaces, type FairPlaces } from '../shared/fair-places.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { Redis } from '../shared/redis.ts';
import { type ChunkProcessor, chunkVerdicts } from './chunk-processor.ts';

/** The consumers of a worker: one for each profile that it serves. */
export interface ProfileConsumers {
  /**
   * Starts consumers of new profiles and closes those of profiles that can no longer be served.
   * @param known profiles of the registry. Profiles that were removed from it are still served, since earlier batches
   * are pinned to a model that this worker still has.
   */
  serve(profiles: readonly string[], known: readonly string[]): void;
  profiles(): string[];
  /** Longest time that chunks of a profile have waited while its consumer was idle and took none (ms). */
  silentMs(): number;
  /** @param force does not wait for chunks in flight. */
  close(force: boolean): Promise<void>;
}

/**
 * Chunks of one profile in flight, in fair shares by tenant. Eight of the small first chunks keep several encoders and
 * slow hosts busy. A tenant that has fewer than two gets a place even when others hold all of them.
 */
const chunkPlaces = { places: 8, guaranteed: 2, hardLimit: 24 };
/** A chunk without a place is offered again after this time (ms). */
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
  /** By profile, also of closed consumers: their last chunks hold places of the next one. */
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
        return { putBack: 'its tenant already uses its share of this worker', delayMs: noPlaceDelayMs };
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
        consumer.close().catch((error: Error) => log.warn({ err: error, profile }, 'consumer did not close'));
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
