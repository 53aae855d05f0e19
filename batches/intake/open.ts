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
  /** The tenant's share of the workers, relative to the weights of other tenants. Default: 1. */
  weight?: number | undefined;
  /** Hash of the idempotency key of its request. */
  keyHash?: string | undefined;
}

/** The fields of the record that a batch by reference has from the start. */
export type ReferenceFields = Pick<BatchRecord, 'input' | 'inputEtag' | 'reading' | 'bodyHash'>;

/**
 * Creates a batch in state `accepting`.
 * @param how `leaseMs`: the time in ms of a lease that the request renews while it sends items. Otherwise the fields of
 * a batch by reference, whose items a worker reads.
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
  // The batch is added to the list first, since the sweeper only removes batches that it finds in the list.
  await redis.zadd(liveBatches(redis), createdAt, id);
  await redis.zadd(tenantBatches(redis, tenant), createdAt, id);
  await redis.zadd(tenantBatches(redis, everyTenant), createdAt, id);
  const writes = redis.pipeline();
  // The lease is stored before the record, since the sweeper discards a record without a lease. A batch by reference
  // gets an endless lease, because older releases would discard it otherwise.
  if ('leaseMs' in how) writes.set(keys.lease, '1', 'PX', how.leaseMs);
  else writes.set(keys.lease, '1');
  throwFirst(await writes.hset(keys.batch, toHash(record)).exec());
}
