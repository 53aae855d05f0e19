import type { Rule } from '../../testing/scaling/autoscaler.ts';
import type { Horizon } from '../../testing/scaling/demand.ts';
import { createWatch } from '../../testing/scaling/watch.ts';

/** So many items a second does each of them. */
const speed = 250;
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
  /** Default: 30. */
  startSeconds?: number;
  /** In place of the rule: how many there should be, by what was last scraped. */
  look?: (at: number, seen: { backlogSeconds: number; ready: number }, replicas: number) => number;
}

/**
 * The loop of autoscaler and workers second by second, with workers that do the same every second, begin after exactly
 * `startSeconds` and never fail. For each second: how many there should be, and the backlog in seconds as the service
 * reckons it.
 */
export function idealised({ rule, horizon, load, workers, seconds, startSeconds = 30, look }: Idealised) {
  const watch = createWatch(rule, horizon, 1);
  let readyAt: number[] = Array.from({ length: workers }, () => 0);
  let seen = { backlogSeconds: 0, ready: workers };
  let pending = 0;
  let posted = 0;
  // As if the load of the first moment had been there for long, and been met.
  const done = Array.from({ length: 60 }, () => Math.min(load(0), workers * speed));
  const numbers: number[] = [];
  const backlog: number[] = [];
  const mean = (length: number) => done.slice(-length).reduce((sum, items) => sum + items, 0) / length;

  for (let at = 0; at < seconds; at++) {
    const arrived = at % batchSeconds === 0 ? batchSeconds * load(at) : 0;
    const ready = readyAt.filter((since) => since <= at).length;
    const now = Math.min(pending + arrived, ready * speed);
    posted += arrived;
    pending += arrived - now;
    done.push(now);
    const slot = (at % 10) + 1;
    const itemsPerSecond = Math.max(mean(10 + slot), mean(50 + slot));
    const backlogSeconds = pending / (itemsPerSecond || 1);
    if (at % scrapeSeconds === 0) {
      seen = { backlogSeconds, ready };
      watch.scraped({ at, posted, pending, itemsPerSecond, backlogSeconds });
    }
    if (at % scrapeSeconds === lookAfter) {
      const count = look === undefined ? watch.look(at, readyAt.length) : look(at, seen, readyAt.length);
      readyAt = Array.from({ length: count }, (_, index) => readyAt[index] ?? at + startSeconds);
    }
    numbers.push(readyAt.length);
    backlog.push(backlogSeconds);
  }
  return { numbers, backlog };
}
