import { hash } from 'node:crypto';
import { ServiceError } from '../../shared/errors.ts';
import { idempotencyKey } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { holdKey } from '../admission/hold-key.ts';
import { reserveKey } from './reserve-key.ts';

/** The reservation of an idempotency key. All requests with the same key create only one batch. */
export interface Reservation {
  /** A hash of the key, with which the deletion of the batch also removes the key. */
  readonly keyHash: string;
  /**
   * Extends the lease while the body of the request arrives.
   * @throws {ServiceError} `batch.interrupted` when the lease expired and another request has reserved the key.
   */
  renew(): Promise<void>;
  /** Ends the lease. The next request with the key gets the batch of this request, or creates one if none exists. */
  release(): Promise<void>;
  /** Removes the reservation of a request that was refused. */
  remove(): Promise<void>;
}

export type Reserved = { reservation: Reservation } | { existing: string };

const leaseMs = 30_000;
const lifetimeSeconds = 7 * 24 * 3600;

/**
 * Reserves an idempotency key for the batch `batchId`, or returns the batch that has the key.
 * @param isSealed returns true when all items of a batch were received. Otherwise its key may be reserved again.
 * @throws {ServiceError} `idempotency.in_flight` while another request with this key is being received.
 */
export async function reserve(
  redis: Redis,
  tenant: string,
  key: string,
  batchId: string,
  isSealed: (id: string) => Promise<boolean>,
): Promise<Reserved> {
  const keyHash = hash('sha256', key, 'base64url');
  const name = idempotencyKey(redis, tenant, keyHash);
  let unsealedBatchId = '';
  for (;;) {
    const reply = await reserveKey(redis, name, { batchId, leaseMs, lifetimeSeconds, unsealedBatchId });
    if (reply.verdict === 'reserved') break;
    if (reply.verdict === 'busy') {
      throw new ServiceError('idempotency.in_flight', 'A request with this Idempotency-Key is still being received', {
        retryAfter: 1,
      });
    }
    if (await isSealed(reply.batchId)) return { existing: reply.batchId };
    unsealedBatchId = reply.batchId;
  }
  return {
    reservation: {
      keyHash,
      async renew() {
        if (await holdKey(redis, name, batchId, { leaseMs })) return;
        throw new ServiceError(
          'batch.interrupted',
          'No data of this request arrived for too long, and another request has taken over its Idempotency-Key',
          {
            retryAfter: 1,
          },
        );
      },
      async release() {
        await holdKey(redis, name, batchId, 'release');
      },
      async remove() {
        await holdKey(redis, name, batchId, 'remove');
      },
    },
  };
}
