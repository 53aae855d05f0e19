import type { RequestHandler } from 'express';
import type { Timings } from '../../shared/contracts/single.ts';
import { ServiceError } from '../../shared/errors.ts';

/** Lets in as many interactive requests at a time as are answered without queueing for long. */
export interface Admission {
  /** @throws {ServiceError} `overloaded` */
  enter: RequestHandler;
  /** Told what an answered request spent its time with, from which the bound is learnt. */
  observe(timings: Pick<Timings, 'fetchMs'>): void;
}

export interface AdmissionOptions {
  /** Evaluators that answer requests now. */
  evaluators: () => number;
  /** For tests; milliseconds. */
  now?: () => number;
}

/**
 * Requests for each evaluator: twice what keeps one busy (its throughput no longer grows from four on), so that
 * whoever is let in waits for about as long again as the work takes.
 */
const perEvaluator = 8;
/** However long they fetch: each may hold an image. */
const most = 512;
/** Room for more to fetch than did of late, so that the bound grows with the demand. */
const growth = 1.5;
/** What "of late" is, in milliseconds. */
const memoryMs = 2_000;
/** A request in hand for longer waits for the host of its image, and for no evaluator: it takes nobody's place. */
const slowMs = 3_000;

/**
 * The bound is what the evaluators can have in hand, and as many requests as are at their image hosts at a time. That
 * number is the time requests spend there, summed and divided by the time that passes (Little's law), so it needs no
 * look into the requests. A fixed bound would be wrong either way: images that take a second to download keep hundreds
 * of requests in hand and no evaluator busy; inline ones queue behind sixteen.
 */
export function createAdmission({ evaluators, now = () => performance.now() }: AdmissionOptions): Admission {
  let inHand = 0;
  let slow = 0;
  let fetching = 0;
  let updatedAt = now();

  function fetchingOfLate(): number {
    const time = now();
    fetching *= Math.exp((updatedAt - time) / memoryMs);
    updatedAt = time;
    return fetching;
  }

  return {
    enter: (_request, response, next) => {
      const bound = perEvaluator * Math.max(1, evaluators()) + Math.floor(growth * fetchingOfLate());
      if (inHand >= bound || inHand + slow >= most) {
        throw new ServiceError(
          'overloaded',
          `${inHand + slow} requests are being answered, as many as can be in time`,
          {
            retryAfter: 1,
          },
        );
      }
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
    observe({ fetchMs }) {
      fetching = fetchingOfLate() + fetchMs / memoryMs;
    },
  };
}
