import { hash } from 'node:crypto';
import { ServiceError } from '../../shared/errors.ts';
import { idempotencyKey } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { holdKey } from '../admission/hold-key.ts';
import { reserveKey } from './reserve-key.ts';

/** An idempotency key held by one request. Requests with the same key count as one request. */
export interface Reservation {
  /** Stored with the batch, so that the key is removed with it. */
  readonly keyHash: string;
  /**
   * Renews the lease while the body arrives.
   * @throws {ServiceError} `batch.interrupted` when it ran out and another request has the key.
   */
  renew(): Promise<void>;
  /**
   * Ends the lease after the body was received or has failed. The next request with the key gets the batch, or sends it
   * again.
   */
  release(): Promise<void>;
  /** Removes the key of a request that was refused and has stored nothing. */
  remove(): Promise<void>;
}

export type Reserved = { reservation: Reservation } | { existing: string };

const leaseMs = 30_000;
const lifetimeSeconds = 7 * 24 * 3600;

/**
 * Reserves a key for the batch `batchId`, or returns the batch that belongs to the key.
 * @param isSealed returns true for a batch that clients can see. The key of any other batch may be reused.
 * @throws {ServiceError} `idempotency.in_flight`
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
          'The request stalled, and another request has taken its Idempotency-Key',
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
