import type { Redis } from '../redis.ts';
import { prefixOf } from './prefix.ts';

/**
 * Every Redis key of this project is named here, and nowhere else. All begin with the prefix of their connection.
 *
 * Keys of one batch carry its id as hash tag, so a script may touch them together on a cluster; what spans batches
 * lives in the slot of the prefix, where BullMQ's own keys are. A step that needs both slots is two idempotent steps.
 */

/** BullMQ's prefix. */
export const queuePrefix = (redis: Redis): string => `{${prefixOf(redis)}}`;

/** Returns the name of the queue with a profile's chunks. */
export const queueName = (profile: string): string => `evaluate-${profile}`;
export const maintenanceQueueName = 'maintenance';
export const webhookQueueName = 'webhooks';
/** Queues whose jobs are batches by reference: their objects are read, and the files of their results written. */
export const taskQueues = { intake: 'intake', files: 'files' } as const;

/** The number of chunks per payload hash: one hash per chunk costs a key each, one hash per batch grows without limit. */
export const chunksPerHash = 256;

export const batchKeys = (redis: Redis, id: string) => {
  const base = `${prefixOf(redis)}:{${id}}`;
  return {
    /** Hash: state, counters, and the pinned model. */
    batch: `${base}:batch`,
    /** String with a lifetime: exists while a client sends this batch. */
    lease: `${base}:lease`,
    /** Bitmap: bit n is set when chunk n has its outcomes. The authority on which chunks are done. */
    done: `${base}:done`,
    /** Set: chunks in the queue that no worker has picked. */
    waiting: `${base}:waiting`,
    /** Set: chunks that are picked and not committed. */
    active: `${base}:active`,
    /** Hash: failed items by code. */
    failures: `${base}:failures`,
    /** List: chunk numbers in the order of their commits. */
    log: `${base}:log`,
    /** Stream, capped: the events of the batch. */
    events: `${base}:events`,
    /** Hash: succeeded items by bin of their cosine. */
    histogram: `${base}:cosines`,
    /** The same in bins of 0.01, as older releases counted them. */
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
  };
};

/** Returns the keys of a batch whose number does not depend on its length; the record first. */
export const fixedKeys = (redis: Redis, id: string): string[] => {
  const { input: _input, output: _output, scores: _scores, ...fixed } = batchKeys(redis, id);
  return Object.values(fixed);
};

/** Sorted set: batches that are not finished, by creation time in ms. */
export const liveBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:live`;
/** Sorted set: finished batches, by the time in ms at which they are deleted. */
export const finishedBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:finished`;
/** Sorted set: batches that were deleted in the last minutes, as `<id>:<profile>`, by the time in ms of their deletion. */
export const deletedBatches = (redis: Redis): string => `${queuePrefix(redis)}:batches:deleted`;
/** Represents all tenants where a tenant's name is expected. */
export const everyTenant = Symbol('every tenant');
/** The tenant whose batches a caller may see; operators see those of every tenant. */
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
    /** Hash of payloads by piece number. */
    pieces: `${base}:pieces`,
  };
};
/** Sorted set: the files of one tenant, or of every tenant, by creation time in ms. */
export const tenantFiles = (redis: Redis, tenant: TenantScope): string =>
  `${queuePrefix(redis)}:${tenant === everyTenant ? 'files:all' : `tenant:${tenant}:files`}`;
/** Sorted set: files and uploads, by the time in ms at which they are deleted. */
export const fileExpiries = (redis: Redis): string => `${queuePrefix(redis)}:files:expiries`;

/** Sorted set: a tenant's batches of one profile with chunks left to dispatch, highest priority first. */
export const dispatchOrder = (redis: Redis, profile: string, tenant: string): string =>
  `${queuePrefix(redis)}:order:${profile}:${tenant}`;

/** Keys of BullMQ that hold the waiting jobs of a profile. */
export const jobKeys = (redis: Redis, profile: string) => {
  const base = `${queuePrefix(redis)}:${queueName(profile)}`;
  return {
    /** List: jobs without a priority. */
    wait: `${base}:wait`,
    /** Sorted set: jobs with a priority. */
    prioritized: `${base}:prioritized`,
    /** Hash: `paused` is set while the queue is. */
    meta: `${base}:meta`,
  };
};

/** The turns of the tenants of a profile; see batches/queue/take-turns.lua. */
export const turnKeys = (redis: Redis, profile: string) => ({
  turns: `${queuePrefix(redis)}:turns:${profile}`,
  starts: `${queuePrefix(redis)}:starts:${profile}`,
  prioritized: jobKeys(redis, profile).prioritized,
});

/** Counter with a lifetime: items of a profile that were committed in a slot of time. */
export const committedItems = (redis: Redis, profile: string, slot: number): string =>
  `${queuePrefix(redis)}:committed:${profile}:${slot}`;

/** Hash: the batch of an idempotency key of a tenant. The key is hashed, as its text is arbitrary. */
export const idempotencyKey = (redis: Redis, tenant: string, keyHash: string): string =>
  `${queuePrefix(redis)}:idempotency:${tenant}:${keyHash}`;

/** Items of unfinished batches: hash of batch id to its items and tenant, hash of tenant to its items. */
export const queuedItems = (redis: Redis): string => `${queuePrefix(redis)}:queued:items`;
export const queuedSums = (redis: Redis): string => `${queuePrefix(redis)}:queued:sums`;

/** Bytes of batches in Redis' memory: hash of batch id to its bytes and tenant, hash of tenant to its bytes. */
export const storedBytes = (redis: Redis): string => `${queuePrefix(redis)}:stored:bytes`;
export const storedSums = (redis: Redis): string => `${queuePrefix(redis)}:stored:sums`;

/** String with a lifetime: processes write it to check whether Redis accepts writes. */
export const probeKey = (redis: Redis): string => `${queuePrefix(redis)}:probe`;

/** String with a lifetime: the id of the API key that a browser signed in with. */
export const sessionKey = (redis: Redis, tokenHash: string): string => `${prefixOf(redis)}:session:${tokenHash}`;

/** Prefix of a tenant's name: string with a lifetime, its requests in this minute. */
export const rateLimitPrefix = (redis: Redis): string => `${prefixOf(redis)}:requests:`;

/** The observations of models that share a profile's traffic, in one experiment; see traffic/store.ts. */
export const trafficKeys = (redis: Redis, profile: string, experiment: string) => {
  const base = `${queuePrefix(redis)}:traffic:${profile}:${experiment}`;
  return {
    /** Hash: the canary's phase and its window. */
    state: `${base}:state`,
    /** Hashes of counts: of the whole experiment, and of the window that is open. */
    totals: `${base}:totals`,
    window: `${base}:window`,
    /** List: scores of the items that both models of the window have scored. */
    windowPairs: `${base}:window:pairs`,
    /** List: judged windows, the latest first. */
    windows: `${base}:windows`,
    /** List of the latest scores of two models; sorted set of the pairs furthest apart. */
    canaryPairs: `${base}:canary:pairs`,
    canaryWorst: `${base}:canary:worst`,
    shadowPairs: `${base}:shadow:pairs`,
    shadowWorst: `${base}:shadow:worst`,
  };
};

/** Hash with a lifetime: settings that all processes of this service must share, by process. */
export const settingsOfProcesses = (redis: Redis): string => `${queuePrefix(redis)}:settings`;
