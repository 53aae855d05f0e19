import { batchKeys, everyTenant, liveBatches, tenantBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import { type Redis, throwFirst } from '../../shared/redis.ts';
import { payloadVersion } from '../store/payload.ts';
import { type BatchOptions, type BatchRecord, type Pinned, toHash } from '../store/record.ts';

export interface OpenedBatch {
  id: string;
  tenant: string;
  pinned: Pinned;
  options: BatchOptions;
  traceparent?: string | undefined;
  /** The share of the workers relative to other tenants. Default: 1. */
  weight?: number | undefined;
  keyHash?: string | undefined;
}

/** The fields that a batch by reference (its items are in a bucket) has from the start. */
export type ReferenceFields = Pick<BatchRecord, 'input' | 'inputEtag' | 'reading' | 'bodyHash'>;

/**
 * Creates a batch in state `accepting`.
 * @param how `leaseMs`: the lease in ms, which the request renews while it sends items. `reference`: the fields of a
 * batch whose items a worker reads later from a bucket.
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
  // The sweeper can remove the batch of a dead process only if it is listed before its record is stored.
  await redis.zadd(liveBatches(redis), createdAt, id);
  await redis.zadd(tenantBatches(redis, tenant), createdAt, id);
  await redis.zadd(tenantBatches(redis, everyTenant), createdAt, id);
  const writes = redis.pipeline();
  // The lease precedes the record, because the sweeper discards a batch without a lease. A batch by reference gets an
  // endless lease for the sweepers of older releases.
  if ('leaseMs' in how) writes.set(keys.lease, '1', 'PX', how.leaseMs);
  else writes.set(keys.lease, '1');
  throwFirst(await writes.hset(keys.batch, toHash(record)).exec());
}
