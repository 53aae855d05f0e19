import type { Config } from '../shared/config.ts';
import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';
import { formatS3Location } from '../shared/s3-location.ts';
import type { Reading } from '../shared/telemetry/readings.ts';
import { createTenantFolders } from './admission/folders.ts';
import { createFreeSpaceGauge } from './admission/free-space.ts';
import { createQueuedItems } from './admission/queued-items.ts';
import { createStoredBytes } from './admission/stored-bytes.ts';
import { type Batches, createBatches } from './batches.ts';
import { createFiles, type Files } from './files/files.ts';
import { type Chunks, createChunks } from './lifecycle/chunks.ts';
import { createEnding, type Ending } from './lifecycle/ending.ts';
import { createSweeper, type Sweeper } from './lifecycle/sweeper.ts';
import { readBacklog } from './metrics/backlog.ts';
import { createSpeed, type Speed } from './metrics/speed.ts';
import { createDispatcher } from './queue/dispatcher.ts';
import { createQueues, type Queues } from './queue/queues.ts';
import type { Task, TaskRun } from './queue/tasks.ts';
import { createKnownIndexes } from './reading/known-indexes.ts';
import { createStoredImages, type StoredImages } from './reading/stored-images.ts';
import { createReferenceIntake } from './reference/intake.ts';
import { createResultFiles } from './reference/result-files.ts';
import { createDurability } from './store/durability.ts';
import { createObjectStore } from './store/lazy-object-store.ts';
import { payloadVersion } from './store/payload.ts';
import { createPayloadStore } from './store/payload-store.ts';
import { createSharedSettings, type SharedSettings } from './store/shared-settings.ts';

/** All operations on batches over one Redis connection, for API and worker processes. */
export interface BatchEngine {
  queues: Queues;
  batches: Batches;
  files: Files;
  chunks: Chunks;
  storedImages: StoredImages;
  ending: Ending;
  sweeper: Sweeper;
  speed: Speed;
  /** The tasks for batches whose items are in a bucket. Undefined when no tenant may post such a batch. */
  tasks: Record<Task, TaskRun> | undefined;
  sharedSettings: SharedSettings;
  /** Returns metrics about the work that waits in each queue. */
  readings(): Promise<Reading[]>;
  close(): Promise<void>;
}

export interface BatchEngineOptions {
  redis: Redis;
  /** Returns the profiles whose queues appear in the metrics even when empty. */
  profiles: () => readonly string[];
  retentionHours: number;
  /**
   * The maximum number of items in unfinished batches of all tenants; 0 means no limit. Default: {@link
   * maxQueuedItems}.
   */
  queuedItems?: number;
  /** Called for each new batch when all its items are stored. */
  onPosted?: (labels: Record<'queue' | 'profile', string>, items: number) => void;
  /** Where payloads are stored, and which buckets tenants may use. Default: Redis, and no bucket. */
  storage?: Partial<Pick<Config, 'payloads' | 's3Endpoint' | 'batchBuckets'>>;
  log: Logger;
}

/** Ten times the default limit of one tenant. Redis usually lacks memory first. */
const maxQueuedItems = 100_000_000;

export function createBatchEngine(options: BatchEngineOptions): BatchEngine {
  const { redis, profiles, retentionHours, log } = options;
  const { payloads: payloadPlaces = ['redis'], s3Endpoint, batchBuckets = [] } = options.storage ?? {};
  const objects = createObjectStore({ endpoint: s3Endpoint });
  const payloads = createPayloadStore(payloadPlaces, objects);
  const places = createTenantFolders(batchBuckets, payloadPlaces);
  const queues = createQueues(redis, profiles, log);
  const dispatcher = createDispatcher(redis, queues);
  const queued = createQueuedItems(redis, options.queuedItems ?? maxQueuedItems);
  const freeSpace = createFreeSpaceGauge(redis);
  const stored = createStoredBytes(redis, freeSpace);
  const ending = createEnding(redis, queues, dispatcher, queued, stored, payloads, retentionHours, log);
  const speed = createSpeed(redis);
  const chunks = createChunks(redis, dispatcher, ending, payloads, log);
  const durability = createDurability(redis, log);
  const files = createFiles({ redis, payloads, freeSpace, stored, durability, retentionMs: ending.retentionMs });
  const { onPosted = () => {} } = options;
  const known = createKnownIndexes();
  const deps = {
    redis,
    payloads,
    objects,
    places,
    queues,
    dispatcher,
    ending,
    freeSpace,
    queued,
    stored,
    files,
    chunks,
    durability,
    onPosted,
    log,
  };
  const sharedSettings = createSharedSettings(
    redis,
    {
      PAYLOADS: payloadPlaces.map((place) => (place === 'redis' ? place : formatS3Location(place))).join(','),
      S3_ENDPOINT: s3Endpoint ?? '',
      BATCH_BUCKETS: batchBuckets.map(({ tenant, folder }) => `${tenant}=${formatS3Location(folder)}`).join(','),
      BATCH_RETENTION_HOURS: String(retentionHours),
      'the version of payloads': String(payloadVersion),
    },
    log,
  );
  const batches = createBatches({ ...deps, known, sharedSettings });
  return {
    queues,
    batches,
    files,
    chunks,
    storedImages: createStoredImages({ redis, payloads, known }),
    ending,
    sweeper: createSweeper(deps),
    speed,
    tasks: places.any ? { intake: createReferenceIntake(deps), files: createResultFiles(deps) } : undefined,
    sharedSettings,
    readings: () => readBacklog(redis, queues, speed, profiles()),
    async close() {
      sharedSettings.close();
      batches.close();
      await queues.close();
      objects.close();
    },
  };
}
