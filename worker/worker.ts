import { createChunks } from '../batches/chunks.ts';
import { type Consumer, consume, type Queues, scheduleMaintenance } from '../batches/queues.ts';
import { createSweeper } from '../batches/sweeper.ts';
import type { Evaluation } from '../evaluation/evaluation.ts';
import type { Registry } from '../models/registry.ts';
import type { Config } from '../shared/config.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { Redis } from '../shared/redis.ts';
import { createChunkProcessor } from './chunk-processor.ts';

export interface WorkerDeps {
  config: Pick<Config, 'workerProfiles' | 'retentionHours'>;
  /** A `consumer` connection: it waits for Redis as long as it takes. */
  redis: Redis;
  queues: Queues;
  evaluation: Evaluation;
  registry: Registry;
  metrics: Metrics;
  log: Logger;
}

/** Chunks of one profile in hand. Eight of the small first chunks keep several evaluators and slow hosts busy. */
const chunksInHand = 8;
const sweepEveryMs = 15_000;

/** The worker role: consumers for the profiles it serves, and its offer to sweep. */
export async function startWorker(deps: WorkerDeps): Promise<Consumer & { profiles: string[] }> {
  const { config, redis, queues, registry, log } = deps;
  const profiles = await servedProfiles(registry, config.workerProfiles);
  const chunks = createChunks(redis, queues, config.retentionHours);
  const process = createChunkProcessor({ ...deps, chunks });
  const consumers = profiles.map((profile) =>
    consume(redis, profile, chunksInHand, (job) => process(job, profile), log.child({ profile })),
  );
  const sweeper = createSweeper(redis, queues, chunks, log);
  consumers.push(scheduleMaintenance(redis, sweepEveryMs, () => sweeper.sweep(), log));
  log.info({ profiles }, 'worker started');
  return {
    profiles,
    async close() {
      await Promise.all(consumers.map((consumer) => consumer.close()));
    },
  };
}

/**
 * The profiles asked for; without any, each whose model is here.
 * @throws {ServiceError} when a profile was asked for by name and its model is not here.
 */
async function servedProfiles(registry: Registry, asked: readonly string[] | undefined): Promise<string[]> {
  const served: string[] = [];
  for (const profile of asked ?? registry.profiles) {
    try {
      await registry.resolve(profile);
      served.push(profile);
    } catch (error) {
      if (asked !== undefined || !(error instanceof ServiceError)) throw error;
    }
  }
  return served;
}
