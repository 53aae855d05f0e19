import type { Redis } from '../redis.ts';
import { prefixOf } from './prefix.ts';

/**
 * The names of all Redis keys of this project. All begin with the prefix of their connection.
 *
 * On a cluster, the keys of one script must be in the same hash slot. Keys of one batch have its id as hash tag, so
 * that a script may use them together. Keys that concern many batches have the prefix as hash tag, as BullMQ's own keys
 * do. A change that needs keys of both kinds is divided into two scripts that may be repeated.
 */

/** BullMQ's prefix. */
export const queuePrefix = (redis: Redis): string => `{${prefixOf(redis)}}`;

/** Returns the name of the queue with a profile's chunks. A chunk is a part of a batch; one job evaluates it. */
export const queueName = (profile: string): string => `evaluate-${profile}`;
export const maintenanceQueueName = 'maintenance';
export const webhookQueueName = 'webhooks';
/** The queues of tasks for batches by reference: reading their objects, and writing their result files. */
export const taskQueues = { intake: 'intake', files: 'files' } as const;

/**
 * The number of chunks in one hash of payloads. With one hash per chunk, each chunk would need a key; with one hash per
 * batch, the hash would grow without limit.
 */
export const chunksPerHash = 256;

export const batchKeys = (redis: Redis, id: string) => {
  const base = `${prefixOf(redis)}:{${id}}`;
  return {
    /** Hash: state, counters, and the pinned model. */
    batch: `${base}:batch`,
    /** String with a lifetime. It exists while a client sends this batch. */
    lease: `${base}:lease`,
    /** Bitmap: bit n is set when chunk n has outcomes. It alone decides whether a chunk is done. */
    done: `${base}:done`,
    /** Set: chunks in the queue that no worker has taken. */
    waiting: `${base}:waiting`,
    /** Set: chunks that a worker has taken and not committed. */
    active: `${base}:active`,
    /** Hash: failed items by code. */
    failures: `${base}:failures`,
    /** List: chunk numbers in the order of their commits. */
    log: `${base}:log`,
    /** Stream, capped: the events of the batch. */
    events: `${base}:events`,
    /** Hash: succeeded items by bin of their cosine. */
    histogram: `${base}:cosines`,
    /** Hash: succeeded items by bin of their cosine, in bins of 0.01. Older releases used it. */
    coarseHistogram: `${base}:hist`,
    /** String of 32-bit integers: for each chunk in the index of scores, the index of its first item, plus one. */
    offsets: `${base}:offsets`,
    /** Strings of 32-bit integers: a segment of the index of scores; see batches/store/score-index.ts. */
    scores: (segment: number) => `${base}:scores:${segment}`,
    /** Sorted sets by cosine: the lowest and the highest items, fifty of each. */
    lowest: `${base}:low`,
    highest: `${base}:high`,
    /** Hash of input payloads by chunk number. */
    input: (chunk: number) => `${base}:in:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of result payloads by chunk number. */
    output: (chunk: number) => `${base}:out:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of the embeddings of one kind, in pieces by chunk number. */
    embeddings: (kind: 'image' | 'text', chunk: number) => `${base}:emb:${kind}:${Math.floor(chunk / chunksPerHash)}`,
  };
};

/**
 * Returns the names of all keys of a batch that have no number in their name. That of the record comes first. Payloads
 * and scores are not among them.
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
/** Stands for all tenants in place of a tenant's name. */
export const everyTenant = Symbol('every tenant');
/** The tenant whose batches a caller may see. Operators see the batches of every tenant. */
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
    /** Hash: the content of the file, divided into pieces, by piece number. */
    pieces: `${base}:pieces`,
  };
};
/** Sorted set: the files of one tenant, or of every tenant, by creation time in ms. */
export const tenantFiles = (redis: Redis, tenant: TenantScope): string =>
  `${queuePrefix(redis)}:${tenant === everyTenant ? 'files:all' : `tenant:${tenant}:files`}`;
/** Sorted set: files and uploads, by the time in ms at which they are deleted. */
export const fileExpiries = (redis: Redis): string => `${queuePrefix(redis)}:files:expiries`;

/** Sorted set: a tenant's batches of one profile with chunks that are not in the queue yet, highest priority first. */
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

/** The keys that determine which tenant's chunk of a profile is evaluated next; see batches/queue/take-turns.lua. */
export const turnKeys = (redis: Redis, profile: string) => ({
  turns: `${queuePrefix(redis)}:turns:${profile}`,
  starts: `${queuePrefix(redis)}:starts:${profile}`,
  prioritized: jobKeys(redis, profile).prioritized,
});

/** Counter with a lifetime: the number of items of a profile that were committed in one time slot. */
export const committedItems = (redis: Redis, profile: string, slot: number): string =>
  `${queuePrefix(redis)}:committed:${profile}:${slot}`;

/**
 * Hash: the batch that a tenant posted with an idempotency key. The idempotency key is hashed, because clients choose
 * its text.
 */
export const idempotencyKey = (redis: Redis, tenant: string, keyHash: string): string =>
  `${queuePrefix(redis)}:idempotency:${tenant}:${keyHash}`;

/**
 * The number of items in unfinished batches. `queuedItems` is a hash: batch id to the number of its items and its
 * tenant. `queuedSums` is a hash: tenant to the sum of its items.
 */
export const queuedItems = (redis: Redis): string => `${queuePrefix(redis)}:queued:items`;
export const queuedSums = (redis: Redis): string => `${queuePrefix(redis)}:queued:sums`;

/**
 * The bytes of batches in the memory of Redis. `storedBytes` is a hash: batch id to the number of its bytes and its
 * tenant. `storedSums` is a hash: tenant to the sum of its bytes.
 */
export const storedBytes = (redis: Redis): string => `${queuePrefix(redis)}:stored:bytes`;
export const storedSums = (redis: Redis): string => `${queuePrefix(redis)}:stored:sums`;

/** String with a lifetime: processes write it to check whether Redis accepts writes. */
export const probeKey = (redis: Redis): string => `${queuePrefix(redis)}:probe`;

/** String with a lifetime: the id of the API key that a browser signed in with. */
export const sessionKey = (redis: Redis, tokenHash: string): string => `${prefixOf(redis)}:session:${tokenHash}`;

/**
 * The beginning of a key that ends with the name of a tenant. String with a lifetime: the number of the tenant's
 * requests in this minute.
 */
export const rateLimitPrefix = (redis: Redis): string => `${prefixOf(redis)}:requests:`;

/** Measurements of models that share a profile's traffic, in one experiment; see traffic/store.ts. */
export const trafficKeys = (redis: Redis, profile: string, experiment: string) => {
  const base = `${queuePrefix(redis)}:traffic:${profile}:${experiment}`;
  return {
    /** Hash: the phase of the canary and its current window. */
    state: `${base}:state`,
    /** Hashes of counts: of the whole experiment, and of the current window. */
    totals: `${base}:totals`,
    window: `${base}:window`,
    /** List: the scores of items that both models have scored in the current window. */
    windowPairs: `${base}:window:pairs`,
    /** List: judged windows, the latest first. */
    windows: `${base}:windows`,
    /**
     * For the canary and for the shadow model, each compared with its reference model. List: the latest scores of both
     * models. Sorted set: the pairs with the largest differences.
     */
    canaryPairs: `${base}:canary:pairs`,
    canaryWorst: `${base}:canary:worst`,
    shadowPairs: `${base}:shadow:pairs`,
    shadowWorst: `${base}:shadow:worst`,
  };
};

/** Hash with a lifetime: the settings of each process that must be equal in all processes of this service. */
export const settingsOfProcesses = (redis: Redis): string => `${queuePrefix(redis)}:settings`;
