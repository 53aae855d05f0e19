import { decide, noMemory, type Rule } from './autoscaler.ts';
import { demand, type Horizon } from './demand.ts';
import { type Scrape, signalsOf } from './scrape.ts';

/** Imitates Prometheus and the autoscaler: records scrapes, and computes the number of workers from them. */
export interface Watch {
  scraped(scrape: Scrape): void;
  /** Evaluates the scaling rule at a time in s. Returns the new number of workers. */
  look(at: number, replicas: number): number;
  /** Returns the items per second that all workers should process, at the last evaluation. */
  demanded(): number;
}

/** @param pace the seconds of the autoscaler's clock per second of the scrapes' clock. */
export function createWatch(rule: Rule, horizon: Horizon, pace: number): Watch {
  const { windowSeconds, startUpSeconds, targetSeconds } = horizon;
  const ahead = { startUpSeconds: startUpSeconds / pace, targetSeconds: targetSeconds / pace };
  const scrapes: Scrape[] = [];
  let memory = noMemory;
  let demanded = 0;
  return {
    scraped: (scrape) => void scrapes.push(scrape),
    look(at, replicas) {
      demanded = demand(signalsOf(scrapes, windowSeconds / pace), ahead);
      const decision = decide(rule, memory, at, demanded, replicas);
      ({ memory } = decision);
      return decision.replicas;
    },
    demanded: () => demanded,
  };
}
