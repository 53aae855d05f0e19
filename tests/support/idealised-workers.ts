import { decide as decideByDemand, type Memory, noMemory, type Rule } from '../../bench/scaling/autoscaler.ts';
import { demand, type Horizon } from '../../bench/scaling/demand.ts';

/** So many items a second does each of them. */
const speed = 250;
const startSeconds = 30;
/** Arrivals come in batches, one so often, in seconds. */
const batchSeconds = 5;
/** The autoscaler sees what was scraped ten seconds ago. */
const [scrapeSeconds, lookAfter] = [15, 10];

interface Idealised {
  rule: Rule;
  horizon: Horizon;
  load: (at: number) => number;
  workers: number;
  seconds: number;
  decide?: (
    at: number,
    backlogSeconds: number,
    ready: number,
    memory: Memory,
    replicas: number,
  ) => ReturnType<typeof decideByDemand>;
}

/**
 * The loop of autoscaler and workers second by second, with workers that do the same every second, begin after exactly
 * `startSeconds` and never fail. For each second: how many there should be, and the backlog in seconds as the service
 * reckons it.
 */
export function idealised({ rule, horizon, load, workers, seconds, decide }: Idealised) {
  let readyAt: number[] = Array.from({ length: workers }, () => 0);
  let pending = 0;
  let memory = noMemory;
  let seen = { pending: 0, itemsPerSecond: load(0), postedPerSecond: load(0), backlog: 0, ready: workers };
  // As if the load of the first moment had been there for long, and been met.
  const posted = Array.from({ length: horizon.windowSeconds }, () => load(0));
  const done = Array.from({ length: 60 }, () => Math.min(load(0), workers * speed));
  const numbers: number[] = [];
  const backlog: number[] = [];
  const mean = (values: readonly number[], length: number) =>
    values.slice(-length).reduce((sum, value) => sum + value, 0) / length;

  for (let at = 0; at < seconds; at++) {
    const arrived = at % batchSeconds === 0 ? batchSeconds * load(at) : 0;
    const ready = readyAt.filter((since) => since <= at).length;
    const now = Math.min(pending + arrived, ready * speed);
    pending += arrived - now;
    posted.push(arrived);
    done.push(now);
    const slot = (at % 10) + 1;
    const itemsPerSecond = Math.max(mean(done, 10 + slot), mean(done, 50 + slot));
    const backlogSeconds = pending / (itemsPerSecond || 1);
    if (at % scrapeSeconds === 0) {
      const postedPerSecond = mean(posted, horizon.windowSeconds);
      seen = { pending, itemsPerSecond, postedPerSecond, backlog: backlogSeconds, ready };
    }
    if (at % scrapeSeconds === lookAfter) {
      const decision =
        decide?.(at, seen.backlog, seen.ready, memory, readyAt.length) ??
        decideByDemand(rule, memory, at, demand(seen, horizon), readyAt.length);
      ({ memory } = decision);
      readyAt = Array.from({ length: decision.replicas }, (_, index) => readyAt[index] ?? at + startSeconds);
    }
    numbers.push(readyAt.length);
    backlog.push(backlogSeconds);
  }
  return { numbers, backlog };
}
