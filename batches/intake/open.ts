import { batchKeys, everyTenant, liveBatches, tenantBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import { type Redis, throwFirst } from '../../shared/redis.ts';
import { payloadVersion } from '../store/payload.ts';
import { type BatchOptions, type BatchRecord, type Pinned, toHash } from '../store/record.ts';

/** A batch about to be opened. */
export interface OpenedBatch {
  id: string;
  tenant: string;
  pinned: Pinned;
  options: BatchOptions;
  traceparent?: string | undefined;
  /** Share of the workers beside other tenants' batches. */
  weight?: number | undefined;
}

/** What a batch by reference has from its beginning. */
export type ReferenceFields = Pick<BatchRecord, 'input' | 'inputEtag' | 'reading' | 'bodyHash'>;

/**
 * Begins a batch in the state `accepting`.
 * @param how with a lease, whoever sends it must be heard of this often, in milliseconds; by reference a worker reads it.
 */
export async function openBatch(
  redis: Redis,
  batch: OpenedBatch,
  how: { leaseMs: number } | { reference: ReferenceFields },
): Promise<void> {
  const { id, tenant, weight, traceparent, pinned, options } = batch;
  const keys = batchKeys(redis, id);
  const createdAt = await redisTime(redis);
  const record = {
    v: payloadVersion,
    id,
    tenant,
    weight,
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
  // Listed first: a batch the sweeper does not know of could not be cleaned away.
  await redis.zadd(liveBatches(redis), createdAt, id);
  await redis.zadd(tenantBatches(redis, tenant), createdAt, id);
  await redis.zadd(tenantBatches(redis, everyTenant), createdAt, id);
  const writes = redis.pipeline();
  // The lease first: a record without one is a batch that the sweeper takes for given up. By reference one without end:
  // releases that know no references would discard the batch.
  if ('leaseMs' in how) writes.set(keys.lease, '1', 'PX', how.leaseMs);
  else writes.set(keys.lease, '1');
  throwFirst(await writes.hset(keys.batch, toHash(record)).exec());
}
