import type { RequestHandler } from 'express';
import type { Timings } from '../../shared/contracts/single.ts';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import { ownerOf } from '../access/owner.ts';
import { clientGone } from '../client-gone.ts';

/** Limits the number of interactive requests in flight. The encoders can then answer them without a long queue. */
export interface Admission {
  /** @throws {ServiceError} `overloaded` */
  enter: RequestHandler;
  /** Records how long a request took to download its image. */
  observe(timings: Pick<Timings, 'fetchMs'>): void;
}

export interface AdmissionOptions {
  /** Returns the number of encoders that are ready. */
  encoders: () => number;
  /** Returns the current time in ms. Tests replace it. */
  now?: () => number;
}

/**
 * The maximum number of requests in flight per encoder. The throughput does not grow beyond four requests. With eight,
 * a request waits in the queue for about as long as its own evaluation takes.
 */
const perEncoder = 8;
/**
 * The maximum number of requests in flight, including those that are downloading an image. Each of them may have an
 * image in memory.
 */
const most = 512;
/**
 * The number of requests that each tenant may have in flight, even when other tenants have reached the maximum `most`.
 */
const guaranteed = 32;
/**
 * The bound on requests in flight includes the recent mean number of downloads, multiplied by this factor. The factor
 * is above 1 so that the bound can grow with the demand.
 */
const growth = 1.5;
/** The time constant in ms of the exponential average of the number of requests that are downloading an image. */
const memoryMs = 2_000;
/**
 * The time in ms after which a request in flight no longer counts toward the bound. A request that takes longer is
 * waiting for an image host and not for an encoder.
 */
const slowMs = 3_000;

/**
 * Creates the limit on interactive requests in flight. The bound is the number of requests that the encoders can work
 * on, plus the mean number of requests that are downloading an image. This mean is the sum of recent download times
 * divided by the elapsed time (Little's law). A fixed bound would not fit all requests: when downloads take a second,
 * hundreds of requests can be in flight while no encoder is busy, so the bound would be too low; with inline images, a
 * request would wait behind sixteen others, so the bound would be too high.
 *
 * A tenant without competition may use the whole bound, except for the guaranteed share of other tenants. In a test
 * without that share, one tenant sent 20 requests a second with images on a host that never answered. Another tenant
 * then got answers to only 7 of its 60 requests.
 */
export function createAdmission({ encoders, now = () => performance.now() }: AdmissionOptions): Admission {
  /** Counts all requests in flight, including those that wait for a slow image host. */
  const places = createFairPlaces({ places: most, guaranteed, hardLimit: 2 * most, maxWaiting: 0 });
  /**
   * The number of requests that have been in flight for less than `slowMs`, by owner (a tenant, or a network without a
   * key).
   */
  const quick = new Map<string, number>();
  let quickInAll = 0;
  let fetching = 0;
  let updatedAt = now();

  const add = (owner: string, change: 1 | -1) => {
    quickInAll += change;
    const count = (quick.get(owner) ?? 0) + change;
    if (count > 0) quick.set(owner, count);
    else quick.delete(owner);
  };

  function recentlyFetching(): number {
    const time = now();
    fetching *= Math.exp((updatedAt - time) / memoryMs);
    updatedAt = time;
    return fetching;
  }

  /** Returns true when this owner (a tenant, or a network without a key) may have one more request in flight. */
  function hasCapacity(owner: string): boolean {
    const bound = perEncoder * Math.max(1, encoders()) + Math.floor(growth * recentlyFetching());
    if (quickInAll < bound) return true;
    const owners = quick.size + (quick.has(owner) ? 0 : 1);
    // An owner without competitors may already use the whole bound. Several owners each get an equal part of the
    // bound, but at least `perEncoder`.
    return owners > 1 && (quick.get(owner) ?? 0) < Math.max(perEncoder, Math.floor(bound / owners));
  }

  return {
    async enter(request, response, next) {
      const owner = ownerOf(request);
      const refuse = () => {
        const message = `The service is processing ${places.total().held} requests, its current limit; retry shortly`;
        return new ServiceError('overloaded', message, { retryAfter: 1 });
      };
      if (!hasCapacity(owner)) throw refuse();
      add(owner, 1);
      let isQuick = true;
      const leaveQuick = () => {
        if (isQuick) add(owner, -1);
        isQuick = false;
      };
      const timer = setTimeout(leaveQuick, slowMs);
      let release = () => {};
      response.on('close', () => {
        clearTimeout(timer);
        leaveQuick();
        release();
      });
      release = await places.take(owner, clientGone(response)).catch((error: unknown) => {
        clearTimeout(timer);
        leaveQuick();
        throw response.closed ? error : refuse();
      });
      if (response.closed) return release();
      next();
    },
    observe({ fetchMs }) {
      fetching = recentlyFetching() + fetchMs / memoryMs;
    },
  };
}
