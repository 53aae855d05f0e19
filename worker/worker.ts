import type { BatchEngine } from '../batches/engine.ts';
import { consumeWebhooks } from '../batches/lifecycle/webhook-consumer.ts';
import { deliverWebhook } from '../batches/lifecycle/webhook-delivery.ts';
import type { JobConsumer } from '../batches/queue/job-consumer.ts';
import { scheduleMaintenance } from '../batches/queue/maintenance.ts';
import { consumeTasks, type Task } from '../batches/queue/tasks.ts';
import { createWebhookPost, type WebhookConfig } from '../images/webhook-post.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { Config } from '../shared/config.ts';
import { terminalStates } from '../shared/contracts/batch/status.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { isWhole } from '../shared/redis/cluster.ts';
import type { Redis } from '../shared/redis.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { createChunkProcessor } from './chunk-processor.ts';
import { createProfileConsumers } from './profile-consumers.ts';
import { servedProfiles } from './served-profiles.ts';
import { createStoppedBatches } from './stopped-batches.ts';

export interface WorkerDeps {
  config: Pick<Config, 'workerProfiles' | 'webhookSecret'> & WebhookConfig;
  /** A Redis connection of kind `consumer`: while Redis is unavailable, commands wait without a time limit. */
  redis: Redis;
  engine: BatchEngine;
  traffic: Pick<Traffic, 'scorePairs' | 'answerLines'>;
  registry: Registry;
  watchRegistry: (onChange: () => void) => void;
  metrics: Metrics;
  log: Logger;
}

export interface RunningWorker extends JobConsumer {
  /** They change when models are pulled or added. */
  profiles(): string[];
  fault(): string | null;
  /** Returns the longest time in ms for which a consumer was idle without a chunk although chunks were waiting. */
  silentMs(): number;
}

const sweepEveryMs = 15_000;
/** Milliseconds for chunks in flight when the worker stops. Then unfinished chunks return to the queue. */
const finishMs = 5_000;

/**
 * Starts a worker. It evaluates chunks of its profiles and delivers webhooks. In turn with other workers, it runs the
 * sweeper.
 */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const { config, redis, engine, registry, metrics, log } = deps;
  let fault: string | null = null;
  let isClosing = false;
  const stopping = new AbortController();
  const stoppedBatches = createStoppedBatches(engine.chunks.stopped);
  const processor = createChunkProcessor({
    ...deps,
    stoppedBatches,
    chunks: engine.chunks,
    storedImages: engine.storedImages,
    speed: engine.speed,
    stopping: stopping.signal,
    onHealth: (current) => {
      fault = current;
    },
  });
  const chunkConsumers = createProfileConsumers(redis, processor, metrics, log);
  metrics.onScrape({ read: () => [{ name: 'vls_worker_fault', labels: {}, value: fault === null ? 0 : 1 }] });
  for (const state of terminalStates) {
    if (state !== 'cancelled') metrics.begin('vls_batches_finished_total', { state });
  }
  const serve = (profiles: readonly string[]) => chunkConsumers.serve(profiles, registry.profiles);
  serve(await servedProfiles(registry, config.workerProfiles));
  deps.watchRegistry(() => {
    if (isClosing) return;
    servedProfiles(registry, config.workerProfiles).then(serve, (error: Error) =>
      log.error({ reason: error.message }, 'profiles not changed after a change of the registry'),
    );
  });

  const consumers = [scheduleMaintenance(redis, sweepEveryMs, () => engine.sweeper.sweep(), log)];
  const { tasks } = engine;
  if (tasks !== undefined) {
    // A worker counts the items of an object in a bucket under the profile of their batch, which may be any.
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
    profiles: chunkConsumers.profiles,
    fault: () => fault,
    silentMs: chunkConsumers.silentMs,
    async close() {
      isClosing = true;
      const deadline = setTimeout(() => {
        stopping.abort(new ServiceError('overloaded', 'The worker is stopping'));
      }, finishMs);
      // Without Redis, chunks can neither be committed nor returned, and the wait might never end.
      const force = !isWhole(redis);
      await Promise.all([chunkConsumers.close(force), ...consumers.map((consumer) => consumer.close(force))]);
      clearTimeout(deadline);
      stoppedBatches.close();
      await webhooks.close();
    },
  };
}
