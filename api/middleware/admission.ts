import type { Request, RequestHandler } from 'express';
import type { Timings } from '../../shared/contracts/single.ts';
import { ServiceError } from '../../shared/errors.ts';

/** Lets in as many interactive requests at a time as are answered without queueing for long. */
export interface Admission {
  /** @throws {ServiceError} `overloaded` */
  enter: RequestHandler;
  /** Told how long an answered request took, from which the bound is learnt. */
  observe(request: Request, timings: Timings): void;
}

export interface AdmissionOptions {
  /** Evaluators that answer requests now. */
  evaluators: () => number;
  /** For tests; milliseconds. */
  now?: () => number;
}

/** Requests for each evaluator: at least, as one is worked on while others are decoded and sent; and at the start. */
const least = 4;
const initial = 8;
/** However little they queue: each may hold an image. */
const most = 512;
/** Queueing longer than the work itself takes is too long; below the floor, in milliseconds, nobody minds. */
const floorMs = 20;
/** A request in hand for longer waits for the host of its image, and for no evaluator: it takes nobody's place. */
const slowMs = 3_000;
/** As long as nothing queued for this time, the bound gives way to whoever comes, by a half at a time. */
const calmMs = 1_000;
const giveMs = 100;

/**
 * A bound that is learnt from how long requests queue. A fixed one would be wrong either way: images that take a second
 * to download keep hundreds of requests in hand and no evaluator busy; inline ones queue behind eight.
 */
export function createAdmission({ evaluators, now = () => performance.now() }: AdmissionOptions): Admission {
  let inHand = 0;
  let slow = 0;
  let bound = 0;
  let queuedAt = Number.NEGATIVE_INFINITY;
  let raisedAt = Number.NEGATIVE_INFINITY;
  let loweredAt = Number.NEGATIVE_INFINITY;
  const enteredAt = new WeakMap<Request, number>();
  const atLeast = () => least * Math.max(1, evaluators());

  function hasRoom(time: number): boolean {
    if (inHand + slow >= most) return false;
    if (bound === 0) bound = initial * Math.max(1, evaluators());
    bound = Math.max(bound, atLeast());
    if (inHand < bound) return true;
    if (time - queuedAt < calmMs || time - raisedAt < giveMs) return false;
    raisedAt = time;
    bound = Math.min(most, bound * 1.5);
    return true;
  }

  return {
    enter: (request, response, next) => {
      const time = now();
      if (!hasRoom(time)) {
        throw new ServiceError(
          'overloaded',
          `${inHand + slow} requests are being answered, as many as can be in time`,
          {
            retryAfter: 1,
          },
        );
      }
      enteredAt.set(request, time);
      inHand++;
      let isSlow = false;
      const timer = setTimeout(() => {
        isSlow = true;
        inHand--;
        slow++;
      }, slowMs);
      response.on('close', () => {
        clearTimeout(timer);
        if (isSlow) slow--;
        else inHand--;
      });
      next();
    },
    observe(request, { fetchMs, decodeMs, inferenceMs, totalMs }) {
      const work = decodeMs + inferenceMs;
      const queued = totalMs - fetchMs - work;
      const tolerated = Math.max(floorMs, work);
      const time = now();
      if (queued > tolerated) {
        queuedAt = time;
        // Once a round: those that were let in under the former bound say nothing about this one.
        if ((enteredAt.get(request) ?? 0) <= loweredAt) return;
        loweredAt = time;
        bound = Math.max(atLeast(), bound * Math.min(0.9, Math.max(0.5, tolerated / queued)));
        // Only a bound that is used may grow, else it would be anything by the time it matters.
      } else if (inHand >= bound - 1) bound = Math.min(most, bound + 1 / bound);
    },
  };
}
