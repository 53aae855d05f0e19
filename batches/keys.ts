/**
 * Every Redis key of this project is named here, and nowhere else.
 *
 * Keys of one batch carry its id as hash tag, so a script may touch them together on a cluster; what spans batches
 * lives in the slot of `{vls}`, where BullMQ's own keys are. A step that needs both slots is two idempotent steps.
 */

/** BullMQ's prefix. */
export const queuePrefix = '{vls}';

/** Queue of a profile's chunks. */
export const queueName = (profile: string): string => `evaluate-${profile}`;
export const maintenanceQueueName = 'maintenance';

/** Payloads are kept in hashes of this many chunks: a hash of its own for each would cost a key, one for all a giant. */
export const chunksPerHash = 256;

export const batchKeys = (id: string) => {
  const base = `vls:{${id}}`;
  return {
    /** Hash: state, counters, what was pinned at the post. */
    batch: `${base}:batch`,
    /** String with a lifetime: somebody is still sending this batch. */
    lease: `${base}:lease`,
    /** Bitmap: bit n is set once chunk n has its outcomes. The truth about what is done. */
    done: `${base}:done`,
    /** Set: chunks handed to the queue and not picked up. */
    waiting: `${base}:waiting`,
    /** Set: chunks picked up and not committed. */
    active: `${base}:active`,
    /** Hash: failed items by code. */
    failures: `${base}:failures`,
    /** List: chunk numbers in the order of their commits. */
    log: `${base}:log`,
    /** Hash of input payloads by chunk number. */
    input: (chunk: number) => `${base}:in:${Math.floor(chunk / chunksPerHash)}`,
    /** Hash of result payloads by chunk number. */
    output: (chunk: number) => `${base}:out:${Math.floor(chunk / chunksPerHash)}`,
  };
};

/** Every key a batch of this many chunks may have. */
export function* allBatchKeys(id: string, chunks: number): Generator<string> {
  const keys = batchKeys(id);
  for (let chunk = 0; chunk < chunks; chunk += chunksPerHash) {
    yield keys.input(chunk);
    yield keys.output(chunk);
  }
  yield* [keys.lease, keys.done, keys.waiting, keys.active, keys.failures, keys.log, keys.batch];
}

/** Sorted set: batches that are not finished, by creation time in ms. */
export const liveBatches = '{vls}:batches:live';
/** Sorted set: finished batches, by the time in ms at which they are forgotten. */
export const finishedBatches = '{vls}:batches:finished';
/** Sorted set: a tenant's batches, by creation time in ms. */
export const tenantBatches = (tenant: string): string => `{vls}:tenant:${tenant}:batches`;
