import { mean, sum } from '../statistics.ts';
import type { Signals } from './demand.ts';

export interface Scrape {
  /** Seconds of the simulation's clock. */
  at: number;
  /** The number of items posted since the start of the API. */
  posted: number;
  pending: number;
  itemsPerSecond: number;
  backlogSeconds: number;
}

/** Reads the metrics of a queue from a page in Prometheus' text format. @throws {Error} when a metric is missing. */
export function readScrape(page: string, queue: string, at: number): Scrape {
  const metric = (name: string): number => {
    const series = page.matchAll(new RegExp(`^${name}\\{(?:[^}]*,)?queue="${queue}"[^}]*\\} (\\S+)$`, 'gm'));
    const values = [...series].map(([, value]) => Number(value));
    if (values.length === 0) throw new Error(`The page of metrics has no ${name} for the queue ${queue}`);
    return sum(values);
  };
  return {
    at,
    posted: metric('vls_items_posted_total'),
    pending: metric('vls_items_pending'),
    itemsPerSecond: metric('vls_items_per_second'),
    backlogSeconds: metric('vls_backlog_seconds'),
  };
}

/**
 * Computes what Prometheus would compute from scrapes sorted by time: `rate` without extrapolation, from the first to
 * the last scrape of the window, and `deriv` by least squares.
 */
export function signalsOf(scrapes: readonly Scrape[], windowSeconds: number): Signals {
  const last = scrapes.at(-1);
  if (last === undefined) throw new Error('Nothing has been scraped');
  const window = scrapes.filter(({ at }) => at > last.at - windowSeconds);
  const [first = last] = window;
  const seconds = last.at - first.at;
  return {
    postedPerSecond: seconds === 0 ? 0 : (last.posted - first.posted) / seconds,
    pending: last.pending,
    growthPerSecond: seconds === 0 ? 0 : slopeOf(window),
  };
}

function slopeOf(window: readonly Scrape[]): number {
  const [at, pending] = [mean(window.map((scrape) => scrape.at)), mean(window.map((scrape) => scrape.pending))];
  const together = sum(window.map((scrape) => (scrape.at - at) * (scrape.pending - pending)));
  return together / sum(window.map((scrape) => (scrape.at - at) ** 2));
}
