import { batchKeys, everyTenant, liveBatches, tenantBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import { type Redis, throwFirst } from '../../shared/redis.ts';
import { payloadVersion } from '../store/payload.ts';
import { type BatchOptions, type BatchRecord, type Pinned, toHash } from '../store/record.ts';

/** A batch that is about to be opened. */
export interface OpenedBatch {
  id: string;
  tenant: string;
  pinned: Pinned;
  options: BatchOptions;
  traceparent?: string | undefined;
  /** Share of the workers, relative to the weights of other tenants. Default: 1. */
  weight?: number | undefined;
  /** Of its idempotency key. */
  keyHash?: string | undefined;
}

/** The fields that a batch by reference has from the start. */
export type ReferenceFields = Pick<BatchRecord, 'input' | 'inputEtag' | 'reading' | 'bodyHash'>;

/**
 * Creates a batch in the state `accepting`.
 * @param how with a lease of this time, in milliseconds, that the request renews while it sends items; or by reference,
 * when a worker reads them.
 */
export async function openBatch(
  redis: Redis,
  batch: OpenedBatch,
  how: { leaseMs: number } | { reference: ReferenceFields },
): Promise<void> {
  const { id, tenant, weight, keyHash, traceparent, pinned, options } = batch;
  const keys = batchKeys(redis, id);
  const createdAt = await redisTime(redis);
  const record = {
    v: payloadVersion,
    id,
    tenant,
    weight,
    keyHash,
    ...pinned,
    ...options,
    total: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    traceparent,
    createdAt,
    state: 'accepting',
    webhookState: options.webhookUrl === undefined ? undefined : 'pending',
    filesState: options.output === undefined ? undefined : 'pending',
    ...('reference' in how && how.reference),
  };
  // The lists come first: the sweeper removes only batches that are listed.
  await redis.zadd(liveBatches(redis), createdAt, id);
  await redis.zadd(tenantBatches(redis, tenant), createdAt, id);
  await redis.zadd(tenantBatches(redis, everyTenant), createdAt, id);
  const writes = redis.pipeline();
  // The lease precedes the record: the sweeper discards a record without one. A batch by reference gets a lease without
  // end, for older releases, which would discard it.
  if ('leaseMs' in how) writes.set(keys.lease, '1', 'PX', how.leaseMs);
  else writes.set(keys.lease, '1');
  throwFirst(await writes.hset(keys.batch, toHash(record)).exec());
}
