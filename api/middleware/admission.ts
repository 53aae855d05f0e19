import type { RequestHandler } from 'express';
import type { Timings } from '../../shared/contracts/single.ts';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import { ownerOf } from '../access/owner.ts';
import { clientGone } from '../client-gone.ts';

/** Limits the interactive requests in flight, so that the queue of the encoders stays short. */
export interface Admission {
  /** @throws {ServiceError} `overloaded` */
  enter: RequestHandler;
  observe(timings: Pick<Timings, 'fetchMs'>): void;
}

export interface AdmissionOptions {
  encoders: () => number;
  now?: () => number;
}

/**
 * The maximum number of requests in flight per encoder. Throughput does not grow beyond four. With eight, a request
 * waits about as long as its own evaluation takes.
 */
const perEncoder = 8;
/** The maximum number of requests in flight, each of which may have an image in memory. */
const most = 512;
/** The number of requests in flight that each tenant may always have. */
const guaranteed = 32;
/** The bound includes the mean number of downloads times this factor, which is above 1 so that the bound can grow. */
const growth = 1.5;
/** The time constant in ms of the moving average of requests that are downloading an image. */
const memoryMs = 2_000;
/**
 * The time in ms after which a request no longer counts toward the bound: it waits for an image host, not for an
 * encoder.
 */
const slowMs = 3_000;

/**
 * Creates the limit: the encoders' capacity plus the mean number of requests that are downloading an image (recent
 * download times divided by elapsed time, Little's law). A fixed limit is too low for slow downloads or too high for
 * inline images.
 *
 * Each tenant has a guaranteed share. Without it, in a test, a tenant that sent 20 requests/s for images on a dead host
 * left another tenant 7 answers to 60 requests.
 */
export function createAdmission({ encoders, now = () => performance.now() }: AdmissionOptions): Admission {
  /** All requests in flight, including those that wait for a slow image host. */
  const places = createFairPlaces({ places: most, guaranteed, hardLimit: 2 * most, maxWaiting: 0 });
  /** Requests in flight for less than `slowMs`, by owner (a tenant, or a network without a key). */
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

  function hasCapacity(owner: string): boolean {
    const bound = perEncoder * Math.max(1, encoders()) + Math.floor(growth * recentlyFetching());
    if (quickInAll < bound) return true;
    const owners = quick.size + (quick.has(owner) ? 0 : 1);
    // A single owner may already use the whole bound. Several owners share it equally, but each gets at least
    // `perEncoder`.
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
