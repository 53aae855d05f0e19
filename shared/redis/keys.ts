import type { Redis } from '../redis.ts';
import { prefixOf } from './prefix.ts';

/**
 * Names of all Redis keys of this project, beginning with the prefix of the connection.
 *
 * On a cluster, all keys of a script must be in the same hash slot. Keys of one batch have its id as hash tag; keys of
 * many batches have the prefix, as BullMQ's own keys do. A change of both kinds needs two scripts, each of which may be
 * repeated.
 */

/** BullMQ's prefix. */
export const queuePrefix = (redis: Redis): string => `{${prefixOf(redis)}}`;

/** Returns the queue of a profile's chunks. A chunk is a part of a batch that one job evaluates. */
export const queueName = (profile: string): string => `evaluate-${profile}`;
export const maintenanceQueueName = 'maintenance';
export const webhookQueueName = 'webhooks';
/** Queues for batches by reference: `intake` reads an input object, `files` writes result files. */
export const taskQueues = { intake: 'intake', files: 'files' } as const;

/**
 * The number of chunks whose payloads share one hash. One hash per chunk would be too many keys; one per batch would
 * grow without limit.
 */
export const chunksPerHash = 256;

export const batchKeys = (redis: Redis, id: string) => {
  const base = `${prefixOf(redis)}:{${id}}`;
  return {
    /** Hash: the state of the batch, its counters and its pinned model. */
    batch: `${base}:batch`,
    /** String that exists while a client is sending this batch. */
    lease: `${base}:lease`,
    /** Bitmap: bit n is set when chunk n (a part of the batch) has outcomes. Only this decides that a chunk is done. */
    done: `${base}:done`,
    /** Set: queued chunks that no worker has taken yet. */
    waiting: `${base}:waiting`,
    /** Set: chunks that a worker has taken and whose results are not stored yet. */
    active: `${base}:active`,
    /** Hash: the number of failed items by error code. */
    failures: `${base}:failures`,
    /** List: chunk numbers in the order in which their results were stored. */
    log: `${base}:log`,
    /** Stream of limited length: the events of the batch. */
    events: `${base}:events`,
    /** Hash: the number of succeeded items in each cosine bin (a range of values). */
    histogram: `${base}:cosines`,
    /** Hash: succeeded items in cosine bins of 0.01, written only by older releases. */
    coarseHistogram: `${base}:hist`,
    /** String of 32-bit integers, one per chunk in the score index: the index of the chunk's first item, plus one. */
    offsets: `${base}:offsets`,
    /** String of 32-bit integers: a segment of the score index; see batches/store/score-index.ts. */
    scores: (segment: number) => `${base}:scores:${segment}`,
    /** Two sorted sets: the fifty items with the lowest cosines, and the fifty with the highest. */
    lowest: `${base}:low`,
    highest: `${base}:high`,
    /** Hash: a sample of pairs that people judge, and the label of each pair; see batches/store/judgement. */
    judgement: `${base}:judgement`,
    /** Hash of input payloads by chunk number. */
    input: (chunk: number) => `${base}:in:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of result payloads by chunk number. */
    output: (chunk: number) => `${base}:out:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of image or text embeddings by chunk number. */
    embeddings: (kind: 'image' | 'text', chunk: number) => `${base}:emb:${kind}:${Math.floor(chunk / chunksPerHash)}`,
  };
};

/** Returns the keys of a batch whose names contain no number, the batch record first. */
export const fixedKeys = (redis: Redis, id: string): string[] => {
  const { input: _input, output: _output, scores: _scores, embeddings: _embeddings, ...fixed } = batchKeys(redis, id);
  return Object.values(fixed);
};

/** Sorted set: unfinished batches by creation time in ms. */
export const liveBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:live`;
/** Sorted set: finished batches by deletion time in ms. */
export const finishedBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:finished`;
/** Sorted set: batches deleted in the last minutes, as `<id>:<profile>`, by deletion time in ms. */
export const deletedBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:deleted`;
/** Stands for all tenants in place of a tenant's name. */
export const everyTenant = Symbol('every tenant');
/** The tenants whose batches a caller may see: one, or for operators all. */
export type TenantScope = string | typeof everyTenant;
/** Sorted set: batches of one or every tenant by creation time in ms. */
export const tenantBatches = (redis: Redis, tenant: TenantScope): string =>
  `${queuePrefix(redis)}:${tenant === everyTenant ? 'batches:all' : `tenant:${tenant}:batches`}`;

export const fileKeys = (redis: Redis, id: string) => {
  const base = `${prefixOf(redis)}:{${id}}`;
  return {
    /** Hash: name, size and times. It exists once the file is complete. */
    file: `${base}:file`,
    /** Hash: parts of the content by number. */
    pieces: `${base}:pieces`,
  };
};
/** Sorted set: files of one or every tenant by creation time in ms. */
export const tenantFiles = (redis: Redis, tenant: TenantScope): string =>
  `${queuePrefix(redis)}:${tenant === everyTenant ? 'files:all' : `tenant:${tenant}:files`}`;
/** Sorted set: files and uploads by deletion time in ms. */
export const fileExpiries = (redis: Redis): string => `${queuePrefix(redis)}:files:expiries`;

/** Sorted set by priority, highest first: batches of a tenant and profile with chunks outside the queue. */
export const dispatchOrder = (redis: Redis, profile: string, tenant: string): string =>
  `${queuePrefix(redis)}:order:${profile}:${tenant}`;

/** BullMQ's keys of a profile's waiting jobs. */
export const jobKeys = (redis: Redis, profile: string) => {
  const base = `${queuePrefix(redis)}:${queueName(profile)}`;
  return {
    /** List: jobs without a priority. */
    wait: `${base}:wait`,
    /** Sorted set: jobs with a priority. */
    prioritized: `${base}:prioritized`,
    /** Hash: the field `paused` is set while the queue is paused. */
    meta: `${base}:meta`,
  };
};

/** Keys that determine which tenant's chunk is evaluated next; see batches/queue/take-turns.lua. */
export const turnKeys = (redis: Redis, profile: string) => ({
  turns: `${queuePrefix(redis)}:turns:${profile}`,
  starts: `${queuePrefix(redis)}:starts:${profile}`,
  prioritized: jobKeys(redis, profile).prioritized,
});

/** Counter with a lifetime: items of a profile that were committed in one period. */
export const committedItems = (redis: Redis, profile: string, slot: number): string =>
  `${queuePrefix(redis)}:committed:${profile}:${slot}`;

/**
 * Hash: the batch that a tenant posted with an idempotency key. Clients choose the key, so the name contains its hash.
 */
export const idempotencyKey = (redis: Redis, tenant: string, keyHash: string): string =>
  `${queuePrefix(redis)}:idempotency:${tenant}:${keyHash}`;

/**
 * Items of unfinished batches. `queuedItems`: batch id to item count, with its tenant. `queuedSums`: tenant to item
 * count.
 */
export const queuedItems = (redis: Redis): string => `${queuePrefix(redis)}:queued:items`;
export const queuedSums = (redis: Redis): string => `${queuePrefix(redis)}:queued:sums`;

/** Bytes of batches in Redis. `storedBytes`: batch id to bytes, with its tenant. `storedSums`: tenant to bytes. */
export const storedBytes = (redis: Redis): string => `${queuePrefix(redis)}:stored:bytes`;
export const storedSums = (redis: Redis): string => `${queuePrefix(redis)}:stored:sums`;

/** String with a lifetime, written to check that Redis accepts writes. */
export const probeKey = (redis: Redis): string => `${queuePrefix(redis)}:probe`;

/** String with a lifetime: the id of the API key with which a browser signed in. */
export const sessionKey = (redis: Redis, tokenHash: string): string => `${prefixOf(redis)}:session:${tokenHash}`;

/** The prefix of a counter with a lifetime: requests of a tenant, whose name follows, in this minute. */
export const rateLimitPrefix = (redis: Redis): string => `${prefixOf(redis)}:requests:`;

/** Measurements of an experiment with the models that share a profile's images; see traffic/store.ts. */
export const trafficKeys = (redis: Redis, profile: string, experiment: string) => {
  const base = `${queuePrefix(redis)}:traffic:${profile}:${experiment}`;
  return {
    /** Hash: the phase of the canary (a model on trial) and its current window (items judged together). */
    state: `${base}:state`,
    /** Hashes of counts: of the whole experiment, and of the canary's current window. */
    totals: `${base}:totals`,
    window: `${base}:window`,
    /** List: scores by the canary and the main model for the same items of the current window. */
    windowPairs: `${base}:window:pairs`,
    /** List: the judged windows, the latest first. */
    windows: `${base}:windows`,
    /**
     * Comparisons of the canary and the shadow model with their references: a list of the latest score pairs, and a
     * sorted set of the pairs with the largest differences.
     */
    canaryPairs: `${base}:canary:pairs`,
    canaryWorst: `${base}:canary:worst`,
    shadowPairs: `${base}:shadow:pairs`,
    shadowWorst: `${base}:shadow:worst`,
  };
};

/** Hash with a lifetime: settings that must be equal in all processes, as each process has them. */
export const settingsOfProcesses = (redis: Redis): string => `${queuePrefix(redis)}:settings`;
