import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import type { Reading } from '../shared/telemetry/readings.ts';
import { type Batches, createBatches } from './batches.ts';
import { type Chunks, createChunks } from './chunks.ts';
import { createDispatcher } from './dispatch.ts';
import { createDurability } from './durability.ts';
import { createEnding } from './ending.ts';
import { createQueuedItems } from './queued-items.ts';
import { createQueues, type Queues } from './queues.ts';
import { readBacklog } from './readings.ts';
import { createRoomGauge } from './room.ts';
import { createSpeed, type Speed } from './speed.ts';
import { createSweeper, type Sweeper } from './sweeper.ts';

/** Everything about batches over one Redis connection: the API uses one side of it, a worker the other. */
export interface BatchEngine {
  queues: Queues;
  batches: Batches;
  chunks: Chunks;
  sweeper: Sweeper;
  speed: Speed;
  /** What waits, for each profile that is shown. */
  readings(): Promise<Reading[]>;
  close(): Promise<void>;
}

export interface BatchEngineOptions {
  redis: Redis;
  /** Profiles whose queues are shown, besides those that are used; asked again whenever they are. */
  profiles: () => readonly string[];
  /** How long a batch is kept after its end, in hours. */
  retentionHours: number;
  /** Items of unfinished batches that all tenants may have together. Default: any number. */
  queuedItems?: number;
  /** Told of every batch that was accepted. */
  onPosted?: (profile: string, items: number) => void;
  log: Logger;
}

export function createBatchEngine(options: BatchEngineOptions): BatchEngine {
  const { redis, profiles, retentionHours, log } = options;
  const queues = createQueues(redis, profiles, log);
  const dispatcher = createDispatcher(redis, queues);
  const queued = createQueuedItems(redis, options.queuedItems ?? 0);
  const ending = createEnding(redis, queues, dispatcher, queued, retentionHours);
  const speed = createSpeed(redis);
  const chunks = createChunks(redis, dispatcher, ending);
  const room = createRoomGauge(redis);
  const durability = createDurability(redis, log);
  const { onPosted = () => {} } = options;
  const batches = createBatches({ redis, queues, dispatcher, ending, room, queued, durability, onPosted, log });
  return {
    queues,
    batches,
    chunks,
    sweeper: createSweeper({ redis, queues, dispatcher, chunks, ending, log }),
    speed,
    readings: () => readBacklog(redis, queues, speed, profiles()),
    async close() {
      batches.close();
      await queues.close();
    },
  };
}
