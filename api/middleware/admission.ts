import type { RequestHandler } from 'express';
import type { Timings } from '../../shared/contracts/single.ts';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import { ownerOf } from '../access/owner.ts';
import { clientGone } from '../client-gone.ts';

/** Lets in as many interactive requests at a time as are answered without queueing for long. */
export interface Admission {
  /** @throws {ServiceError} `overloaded` */
  enter: RequestHandler;
  /** Learns from an answered request how long requests fetch. */
  observe(timings: Pick<Timings, 'fetchMs'>): void;
}

export interface AdmissionOptions {
  /** Encoders that answer requests now. */
  encoders: () => number;
  /** For tests; milliseconds. */
  now?: () => number;
}

/**
 * Requests for each encoder: twice the number that keeps one busy (its throughput stops growing at four), so that a
 * request that is let in waits for about as long again as its work takes.
 */
const perEncoder = 8;
/** Requests in flight, however long they fetch: each may hold an image. */
const most = 512;
/** Of these, requests of one tenant that others cannot take. */
const guaranteed = 32;
/** Room for more requests that fetch than there were recently, so that the bound grows with the demand. */
const growth = 1.5;
/** The time that counts as recent, in milliseconds. */
const memoryMs = 2_000;
/** A request in flight for longer waits for the host of its image and for no encoder: it takes nobody's place. */
const slowMs = 3_000;

/**
 * The bound is the number of requests that the encoders can work on, and as many as are at their image hosts at a
 * time. That number is the time requests spend there, summed and divided by the time that passes (Little's law), so it
 * needs no look into the requests. A fixed bound would be wrong either way: images that take a second to download keep
 * hundreds of requests in flight and no encoder busy; inline ones queue behind sixteen.
 *
 * A tenant takes all of it while it is alone. Its requests cannot use up the share of another: one that sent 20 requests
 * a second to a host that never answered left another 7 of 60.
 */
export function createAdmission({ encoders, now = () => performance.now() }: AdmissionOptions): Admission {
  /** Everything in flight. */
  const places = createFairPlaces({ places: most, guaranteed, hardLimit: 2 * most, maxWaiting: 0 });
  /** Requests that may wait for an encoder, by owner. */
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

  /** Whether there is room for one more request of this owner. */
  function hasRoom(owner: string): boolean {
    const bound = perEncoder * Math.max(1, encoders()) + Math.floor(growth * recentlyFetching());
    if (quickInAll < bound) return true;
    const owners = quick.size + (quick.has(owner) ? 0 : 1);
    // The share of an owner that is alone is the bound.
    return owners > 1 && (quick.get(owner) ?? 0) < Math.max(perEncoder, Math.floor(bound / owners));
  }

  return {
    async enter(request, response, next) {
      const owner = ownerOf(request);
      const refuse = () => {
        const message = `${places.total().held} requests are being answered, as many as can be in time`;
        return new ServiceError('overloaded', message, { retryAfter: 1 });
      };
      if (!hasRoom(owner)) throw refuse();
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
