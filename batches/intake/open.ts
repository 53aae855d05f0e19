import { batchKeys, everyTenant, liveBatches, tenantBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import { type Redis, throwFirst } from '../../shared/redis.ts';
import { payloadVersion } from '../store/payload.ts';
import { type BatchOptions, type BatchRecord, type Pinned, toHash } from '../store/record.ts';

/** The data of a batch at its creation. */
export interface OpenedBatch {
  id: string;
  tenant: string;
  pinned: Pinned;
  options: BatchOptions;
  traceparent?: string | undefined;
  /** The weight of the tenant, which determines its share of the workers relative to other tenants. Default: 1. */
  weight?: number | undefined;
  /** The hash of the idempotency key of the request that posts the batch. */
  keyHash?: string | undefined;
}

/**
 * The fields of the record that a batch by reference has from the start. The items of such a batch are in an object of
 * a bucket.
 */
export type ReferenceFields = Pick<BatchRecord, 'input' | 'inputEtag' | 'reading' | 'bodyHash'>;

/**
 * Creates a batch in state `accepting`.
 * @param how `leaseMs`: the duration in ms of the lease of the batch, which the request renews while it sends items.
 * `reference`: the fields of a batch by reference, whose items a worker reads later from a bucket.
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
  // The batch is added to the list of running batches before its record is stored. The sweeper can then remove the
  // batch if this process dies, because it searches only this list.
  await redis.zadd(liveBatches(redis), createdAt, id);
  await redis.zadd(tenantBatches(redis, tenant), createdAt, id);
  await redis.zadd(tenantBatches(redis, everyTenant), createdAt, id);
  const writes = redis.pipeline();
  // The lease is stored before the record, because the sweeper discards a batch that has a record but no lease. A batch
  // by reference (its items are in a bucket) gets an endless lease, because sweepers of older releases would otherwise
  // discard it.
  if ('leaseMs' in how) writes.set(keys.lease, '1', 'PX', how.leaseMs);
  else writes.set(keys.lease, '1');
  throwFirst(await writes.hset(keys.batch, toHash(record)).exec());
}
