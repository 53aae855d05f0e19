import { hash } from 'node:crypto';
import { ServiceError } from '../../shared/errors.ts';
import { idempotencyKey } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import { holdKey } from './hold-key.ts';
import { reserveKey } from './reserve-key.ts';

/** A sender's promise that requests with the same key are the same request. */
export interface Reservation {
  /**
   * Renews the lease while the body arrives.
   * @throws {ServiceError} `batch.interrupted` when it ran out and somebody else has the key.
   */
  renew(): Promise<void>;
  /** The body has been received, or has come to nothing: whoever asks next is told, or may try. */
  release(): Promise<void>;
  /** The request was refused, and certainly stored nothing: as if the key had never been sent. */
  forget(): Promise<void>;
}

export type Reserved = { reservation: Reservation } | { existing: string };

const leaseMs = 30_000;
const lifetimeSeconds = 7 * 24 * 3600;

/**
 * Reserves a key for the batch `batchId`, or says which batch the key already led to.
 * @param isSealed whether a batch exists to the outside; a key whose batch came to nothing may be used again.
 * @throws {ServiceError} `idempotency.in_flight`
 */
export async function reserve(
  redis: Redis,
  tenant: string,
  key: string,
  batchId: string,
  isSealed: (id: string) => Promise<boolean>,
): Promise<Reserved> {
  const name = idempotencyKey(redis, tenant, hash('sha256', key, 'base64url'));
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
      async renew() {
        if (await holdKey(redis, name, batchId, { leaseMs })) return;
        throw new ServiceError('batch.interrupted', 'The request stalled, and another with its Idempotency-Key came', {
          retryAfter: 1,
        });
      },
      async release() {
        await holdKey(redis, name, batchId, 'release');
      },
      async forget() {
        await holdKey(redis, name, batchId, 'remove');
      },
    },
  };
}
