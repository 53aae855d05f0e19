import type { BatchEngine } from '../batches/engine.ts';
import { consumeWebhooks } from '../batches/lifecycle/webhook-consumer.ts';
import { deliverWebhook } from '../batches/lifecycle/webhook-delivery.ts';
import { type ChunkConsumer, consumeChunks, type Delivery, type Verdict } from '../batches/queue/chunk-consumer.ts';
import type { JobConsumer } from '../batches/queue/job-consumer.ts';
import { scheduleMaintenance } from '../batches/queue/maintenance.ts';
import { consumeTasks, type Task } from '../batches/queue/tasks.ts';
import { createWebhookPost, type WebhookConfig } from '../images/webhook-post.ts';
import type { Registry } from '../models/registry/registry.ts';
import { type Config, ConfigError } from '../shared/config.ts';
import { terminalStates } from '../shared/contracts/batch.ts';
import { ServiceError } from '../shared/errors.ts';
import { createFairPlaces, type FairPlaces } from '../shared/fair-places.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { isWhole } from '../shared/redis/cluster.ts';
import type { Redis } from '../shared/redis.ts';
import type { Reading } from '../shared/telemetry/readings.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { chunkVerdicts, createChunkProcessor } from './chunk-processor.ts';
import { createStoppedBatches } from './stopped-batches.ts';

export interface WorkerDeps {
  config: Pick<Config, 'workerProfiles' | 'webhookSecret'> & WebhookConfig;
  /** A `consumer` connection: it waits for Redis as long as it takes. */
  redis: Redis;
  engine: BatchEngine;
  traffic: Pick<Traffic, 'scorePairs'>;
  registry: Registry;
  watchRegistry: (onChange: () => void) => void;
  metrics: Metrics;
  log: Logger;
}

/** The worker role, running. */
export interface RunningWorker extends JobConsumer {
  /** The profiles it serves now: a model that is pulled or added later is taken up. */
  profiles(): string[];
  /** What keeps this worker from evaluating, or nothing. */
  fault(): string | null;
  /** Longest time that chunks of a profile have waited while this worker was idle and took none, in milliseconds. */
  silentMs(): number;
}

/**
 * Chunks of one profile in flight, by tenants in fair shares. Eight of the small first chunks keep several encoders and
 * slow hosts busy. A tenant that has fewer than two gets a place although others hold all of them.
 */
const chunkPlaces = { places: 8, guaranteed: 2, hardLimit: 24 };
/** A chunk without a place is offered again after this time, in milliseconds. */
const noPlaceDelayMs = 1_000;
const sweepEveryMs = 15_000;
/** Time for the chunks in hand when the worker stops, in milliseconds; what is not begun by then is handed back. */
const finishMs = 5_000;

/** The worker role: consumers for the profiles it serves, webhooks, and its offer to sweep. */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const { config, redis, engine, registry, metrics, log } = deps;
  let fault: string | null = null;
  let closing = false;
  const stopping = new AbortController();
  const stoppedBatches = createStoppedBatches(engine.chunks.stopped);
  const process = createChunkProcessor({
    ...deps,
    stoppedBatches,
    chunks: engine.chunks,
    speed: engine.speed,
    stopping: stopping.signal,
    onHealth: (found) => {
      fault = found;
    },
  });
  const serving = new Map<string, ChunkConsumer>();
  const places = new Map<string, FairPlaces>();
  const take = async (delivery: Delivery, profile: string, own: FairPlaces): Promise<Verdict> => {
    const release = own.tryTake(delivery.data.tenant);
    if (release === undefined) return { putBack: 'its tenant has its share of this worker', delayMs: noPlaceDelayMs };
    try {
      return await process(delivery, profile);
    } finally {
      release();
    }
  };
  metrics.onScrape({
    read: () => [
      ...[...serving.keys()].map(
        (profile): Reading => ({
          name: 'vls_chunks_in_flight',
          labels: { queue: profile },
          value: places.get(profile)?.total().held ?? 0,
        }),
      ),
      ...[...serving].map(
        ([profile, consumer]): Reading => ({
          name: 'vls_worker_silent_seconds',
          labels: { queue: profile },
          value: consumer.silentMs() / 1000,
        }),
      ),
      { name: 'vls_worker_fault', labels: {}, value: fault === null ? 0 : 1 },
    ],
  });
  for (const state of terminalStates) {
    if (state !== 'cancelled') metrics.begin('vls_batches_finished_total', { state });
  }
  /** Begins with profiles that have become available, and leaves those that are gone. */
  const serve = (profiles: readonly string[]) => {
    for (const profile of profiles) {
      if (serving.has(profile)) continue;
      for (const verdict of chunkVerdicts) metrics.begin('vls_chunks_total', { queue: profile, verdict });
      metrics.begin('vls_chunks_recovered_total', { queue: profile });
      metrics.begin('vls_items_posted_total', { queue: profile, profile });
      metrics.begin('vls_chunk_wait_seconds', { queue: profile });
      metrics.begin('vls_chunk_duration_seconds', { queue: profile });
      const own = places.get(profile) ?? createFairPlaces(chunkPlaces);
      places.set(profile, own);
      const takeOne = (delivery: Delivery) => take(delivery, profile, own);
      const concurrency = {
        usual: chunkPlaces.places,
        most: chunkPlaces.hardLimit,
        hasPlace: (tenant: string) => own.held(tenant) < chunkPlaces.guaranteed,
      };
      const recovered = () => metrics.count('vls_chunks_recovered_total', { queue: profile });
      serving.set(profile, consumeChunks(redis, profile, concurrency, takeOne, log, recovered));
    }
    for (const [profile, consumer] of serving) {
      // Batches posted before the registry dropped the name are pinned to what this worker still has.
      if (profiles.includes(profile) || !registry.profiles.includes(profile)) continue;
      serving.delete(profile);
      consumer.close().catch((error: Error) => log.warn({ err: error, profile }, 'consumer did not close'));
    }
    log.info({ profiles }, 'profiles served');
  };
  serve(await servedProfiles(registry, config.workerProfiles));
  deps.watchRegistry(() => {
    if (closing) return;
    servedProfiles(registry, config.workerProfiles).then(serve, (error: Error) =>
      log.error({ reason: error.message }, 'the profiles served stay as they were'),
    );
  });
  const consumers = [scheduleMaintenance(redis, sweepEveryMs, () => engine.sweeper.sweep(), log)];
  const { tasks } = engine;
  if (tasks !== undefined) {
    // Whoever reads an object counts its items, for profiles that others serve too.
    for (const profile of registry.profiles) metrics.begin('vls_items_posted_total', { queue: profile, profile });
    for (const task of Object.keys(tasks) as Task[]) {
      consumers.push(consumeTasks(redis, task, tasks[task], stopping.signal, log));
    }
  }
  const { webhookSecret } = config;
  const webhooks = createWebhookPost(config);
  if (webhookSecret !== undefined) {
    const deliver = (batchId: string, isLast: boolean) =>
      deliverWebhook(redis, batchId, isLast, webhookSecret, webhooks.post);
    consumers.push(consumeWebhooks(redis, deliver, log));
  }
  return {
    profiles: () => [...serving.keys()],
    fault: () => fault,
    silentMs: () => Math.max(0, ...[...serving.values()].map((consumer) => consumer.silentMs())),
    async close() {
      closing = true;
      const patience = setTimeout(() => {
        stopping.abort(new ServiceError('overloaded', 'The worker is stopping'));
      }, finishMs);
      // Without Redis nothing can be committed or handed back, and waiting for it could take for ever.
      const force = !isWhole(redis);
      await Promise.all([...serving.values(), ...consumers].map((consumer) => consumer.close(force)));
      clearTimeout(patience);
      stoppedBatches.close();
      await webhooks.close();
    },
  };
}

/**
 * The profiles asked for; without any, each whose model is here.
 * @throws {ConfigError} when a profile was asked for by name and its model is not here.
 */
async function servedProfiles(registry: Registry, asked: readonly string[] | undefined): Promise<string[]> {
  const served: string[] = [];
  for (const profile of asked ?? registry.profiles) {
    try {
      await registry.resolve(profile);
      served.push(profile);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (asked !== undefined) throw new ConfigError(`WORKER_PROFILES: ${error.message}`);
    }
  }
  return served;
}
