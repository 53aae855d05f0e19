import type { Redis } from '../redis.ts';
import { prefixOf } from './prefix.ts';

/**
 * The names of all Redis keys of this project. Every name begins with the prefix of its connection.
 *
 * On a cluster, all keys of one script must be in the same hash slot. Keys of a single batch have the id of the batch
 * as hash tag, so that a script may use them together. Keys that concern many batches have the prefix as hash tag, as
 * BullMQ's own keys do. A change that needs keys of both kinds is divided into two scripts, each of which may be
 * repeated.
 */

/** BullMQ's prefix. */
export const queuePrefix = (redis: Redis): string => `{${prefixOf(redis)}}`;

/**
 * Returns the name of the queue that has the chunks of a profile. A chunk is a part of a batch that one job evaluates.
 */
export const queueName = (profile: string): string => `evaluate-${profile}`;
export const maintenanceQueueName = 'maintenance';
export const webhookQueueName = 'webhooks';
/** The queues of tasks for batches by reference: `intake` reads an input object, `files` writes result files. */
export const taskQueues = { intake: 'intake', files: 'files' } as const;

/**
 * The number of chunks whose payloads share one hash. With one hash per chunk there would be too many keys; with one
 * hash per batch, the hash would grow without limit.
 */
export const chunksPerHash = 256;

export const batchKeys = (redis: Redis, id: string) => {
  const base = `${prefixOf(redis)}:{${id}}`;
  return {
    /** Hash: the state of the batch, its counters, and its pinned model. */
    batch: `${base}:batch`,
    /** String with a lifetime. The key exists while a client is sending this batch. */
    lease: `${base}:lease`,
    /**
     * Bitmap: bit n is set when chunk n (a part of the batch) has outcomes. Only this bitmap decides whether a chunk is
     * done.
     */
    done: `${base}:done`,
    /** Set: the chunks (parts of the batch) in the queue that no worker has taken yet. */
    waiting: `${base}:waiting`,
    /** Set: the chunks (parts of the batch) that a worker has taken and whose results are not stored yet. */
    active: `${base}:active`,
    /** Hash: the number of failed items by error code. */
    failures: `${base}:failures`,
    /** List: the numbers of the chunks (parts of the batch), in the order in which their results were stored. */
    log: `${base}:log`,
    /** Stream of limited length: the events of the batch. */
    events: `${base}:events`,
    /** Hash: the number of succeeded items in each bin of the cosine (a range of cosine values). */
    histogram: `${base}:cosines`,
    /** Hash: the number of succeeded items by bin of the cosine, in bins of 0.01. Only older releases write it. */
    coarseHistogram: `${base}:hist`,
    /**
     * String of 32-bit integers, one for each chunk in the index of scores. Each integer is the index of the first item
     * of the chunk, plus one.
     */
    offsets: `${base}:offsets`,
    /** String of 32-bit integers: one segment of the index of scores; see batches/store/score-index.ts. */
    scores: (segment: number) => `${base}:scores:${segment}`,
    /** Sorted set by cosine: the fifty lowest items. The next key has the fifty highest. */
    lowest: `${base}:low`,
    highest: `${base}:high`,
    /** Hash of input payloads by chunk number. */
    input: (chunk: number) => `${base}:in:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of result payloads by chunk number. */
    output: (chunk: number) => `${base}:out:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of the embeddings of one kind (image or text) by chunk number. */
    embeddings: (kind: 'image' | 'text', chunk: number) => `${base}:emb:${kind}:${Math.floor(chunk / chunksPerHash)}`,
  };
};

/**
 * Returns those keys of a batch whose names contain no number. The key of the batch record comes first. The keys of
 * payloads, scores and embeddings are not included, because their names contain a number.
 */
export const fixedKeys = (redis: Redis, id: string): string[] => {
  const { input: _input, output: _output, scores: _scores, embeddings: _embeddings, ...fixed } = batchKeys(redis, id);
  return Object.values(fixed);
};

/** Sorted set: batches that are not finished, by creation time in ms. */
export const liveBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:live`;
/** Sorted set: finished batches, by the time in ms at which they are deleted. */
export const finishedBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:finished`;
/** Sorted set: batches that were deleted in the last minutes, as `<id>:<profile>`, by the time in ms of their deletion. */
export const deletedBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:deleted`;
/** Stands for all tenants where the name of a tenant is expected. */
export const everyTenant = Symbol('every tenant');
/** The tenants whose batches a caller may see: one tenant, or for operators every tenant. */
export type TenantScope = string | typeof everyTenant;
/** Sorted set: the batches of one tenant, or of every tenant, by creation time in ms. */
export const tenantBatches = (redis: Redis, tenant: TenantScope): string =>
  `${queuePrefix(redis)}:${tenant === everyTenant ? 'batches:all' : `tenant:${tenant}:batches`}`;

/** The keys of an uploaded file. */
export const fileKeys = (redis: Redis, id: string) => {
  const base = `${prefixOf(redis)}:{${id}}`;
  return {
    /** Hash: name, size and times. It exists once the file is complete. */
    file: `${base}:file`,
    /** Hash: the content of the file, divided into pieces. The field is the number of a piece. */
    pieces: `${base}:pieces`,
  };
};
/** Sorted set: the files of one tenant, or of every tenant, by creation time in ms. */
export const tenantFiles = (redis: Redis, tenant: TenantScope): string =>
  `${queuePrefix(redis)}:${tenant === everyTenant ? 'files:all' : `tenant:${tenant}:files`}`;
/** Sorted set: files and uploads, by the time in ms at which they are deleted. */
export const fileExpiries = (redis: Redis): string => `${queuePrefix(redis)}:files:expiries`;

/**
 * Sorted set by priority, the highest first: the batches of a tenant and profile that have chunks outside the queue.
 */
export const dispatchOrder = (redis: Redis, profile: string, tenant: string): string =>
  `${queuePrefix(redis)}:order:${profile}:${tenant}`;

/** The keys in which BullMQ stores the waiting jobs of a profile. */
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

/** The keys that determine which tenant's chunk is evaluated next for a profile; see batches/queue/take-turns.lua. */
export const turnKeys = (redis: Redis, profile: string) => ({
  turns: `${queuePrefix(redis)}:turns:${profile}`,
  starts: `${queuePrefix(redis)}:starts:${profile}`,
  prioritized: jobKeys(redis, profile).prioritized,
});

/** Counter with a lifetime: the number of items of a profile that were committed in one period of time. */
export const committedItems = (redis: Redis, profile: string, slot: number): string =>
  `${queuePrefix(redis)}:committed:${profile}:${slot}`;

/**
 * Hash: the batch that a tenant posted with an idempotency key. The name contains a hash of the idempotency key,
 * because clients choose its text.
 */
export const idempotencyKey = (redis: Redis, tenant: string, keyHash: string): string =>
  `${queuePrefix(redis)}:idempotency:${tenant}:${keyHash}`;

/**
 * The numbers of items in unfinished batches. `queuedItems` is a hash from a batch id to the number of items of that
 * batch, with its tenant. `queuedSums` is a hash from a tenant to the number of items in all its unfinished batches.
 */
export const queuedItems = (redis: Redis): string => `${queuePrefix(redis)}:queued:items`;
export const queuedSums = (redis: Redis): string => `${queuePrefix(redis)}:queued:sums`;

/**
 * The numbers of bytes that batches occupy in the memory of Redis. `storedBytes` is a hash from a batch id to the
 * number of bytes of that batch, with its tenant. `storedSums` is a hash from a tenant to the number of bytes of all
 * its batches.
 */
export const storedBytes = (redis: Redis): string => `${queuePrefix(redis)}:stored:bytes`;
export const storedSums = (redis: Redis): string => `${queuePrefix(redis)}:stored:sums`;

/** A string with a lifetime. Processes write it to check whether Redis accepts writes. */
export const probeKey = (redis: Redis): string => `${queuePrefix(redis)}:probe`;

/** A string with a lifetime. Its value is the id of the API key that a browser signed in with. */
export const sessionKey = (redis: Redis, tokenHash: string): string => `${prefixOf(redis)}:session:${tokenHash}`;

/**
 * The first part of a key of Redis; the name of a tenant follows. The key has a lifetime, and its value is the number
 * of requests of the tenant in this minute.
 */
export const rateLimitPrefix = (redis: Redis): string => `${prefixOf(redis)}:requests:`;

/**
 * The keys of the measurements in one experiment: of the models that share the images of a profile. See
 * traffic/store.ts.
 */
export const trafficKeys = (redis: Redis, profile: string, experiment: string) => {
  const base = `${queuePrefix(redis)}:traffic:${profile}:${experiment}`;
  return {
    /**
     * A hash with the phase of the canary (a model on trial), and its current window (a group of items judged
     * together).
     */
    state: `${base}:state`,
    /** Two hashes of counts: one for the whole experiment, and one for the current window of the canary. */
    totals: `${base}:totals`,
    window: `${base}:window`,
    /**
     * A list of pairs of scores: the scores by the canary and by the main model for the same item of the current
     * window.
     */
    windowPairs: `${base}:window:pairs`,
    /** A list of the windows of the canary that were judged, the latest first. */
    windows: `${base}:windows`,
    /**
     * The comparisons of the canary and of the shadow model, each with its reference model. A comparison has a list
     * with the latest scores of both models, and a sorted set with the pairs whose scores differ most.
     */
    canaryPairs: `${base}:canary:pairs`,
    canaryWorst: `${base}:canary:worst`,
    shadowPairs: `${base}:shadow:pairs`,
    shadowWorst: `${base}:shadow:worst`,
  };
};

/**
 * A hash with a lifetime. It contains the settings that must be equal in all processes of this service, as each process
 * has them.
 */
export const settingsOfProcesses = (redis: Redis): string => `${queuePrefix(redis)}:settings`;
