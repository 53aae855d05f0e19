import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { forkScript } from '../processes/forked.ts';
import { startRedis } from '../redis/single.ts';
import type { Rule } from './autoscaler.ts';
import type { Horizon } from './demand.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { createPoster, type Poster } from './poster.ts';
import { readScrape } from './scrape.ts';
import { createWatch } from './watch.ts';

/** The load over time, and the times at which workers are killed. */
export interface Course {
  seconds: number;
  /** Returns the items to post per second, at a time in s since the start. */
  load: (at: number) => number;
  workers: number;
  /** The times in s at which workers are killed, each with their number. */
  kills: readonly { at: number; workers: number }[];
}

/** The state of the simulation, recorded every five seconds. */
export interface Sample {
  at: number;
  postedPerSecond: number;
  ordered: number;
  ready: number;
  pending: number;
  itemsPerSecond: number;
  backlogSeconds: number;
  /** The items per second that all workers should process, at the last evaluation of the autoscaler. */
  demanded: number;
}

export interface Simulated {
  samples: Sample[];
  posted: number;
  /** The number of items without a score after all batches have ended. */
  lost: number;
}

export interface SimulationOptions {
  rule: Rule;
  horizon: Horizon;
  worker: { itemsPerSecond: number; startSeconds: number };
  /**
   * Simulated seconds per real second. Only load and autoscaler are accelerated: workers process items, and recover a
   * dead worker's chunks, in real time.
   */
  pace: number;
  say?: (line: string) => void;
}

const profile = 'compact';
const tickSeconds = 5;
/** Scrapes and evaluations of the autoscaler each happen every three ticks (15 s), at different ticks. */
const every = 3;
const lookAfter = 2;
/** Two minutes with the initial load before samples are recorded, so that rates are known. */
const settlingTicks = 24;

/**
 * Simulates changing load with a real API, workers whose device is a stub, and a Redis that writes every change to
 * disk. The autoscaler reads the API's metrics, as from Prometheus.
 */
export async function simulate(course: Course, options: SimulationOptions): Promise<Simulated> {
  const { worker, pace } = options;
  const directory = mkdtempSync(join(tmpdir(), 'vls-scaling-'));
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, PORT: '0', METRICS_PORT: '0', DATA_DIR: directory, LOG_LEVEL: 'error' };
  const api = await forkScript<{ url: string }>('testing/processes/stub-service.ts', ['api'], env);
  const fleet = createFleet({ ...worker, startSeconds: worker.startSeconds / pace }, env);
  try {
    fleet.scaleTo(course.workers);
    await fleet.allReady();
    const poster = createPoster(api.ready.url);
    const samples = await run(course, options, api.ready.url, poster, fleet);
    return { samples, posted: poster.posted(), lost: await poster.lost() };
  } finally {
    await fleet.stop();
    await api.stop();
    await redis.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(
  course: Course,
  { rule, horizon, pace, say = () => {} }: SimulationOptions,
  api: string,
  poster: Poster,
  fleet: Fleet,
): Promise<Sample[]> {
  const watch = createWatch(rule, horizon, pace);
  const samples: Sample[] = [];
  const begin = performance.now() + (1000 * settlingTicks * tickSeconds) / pace;
  for (let tick = -settlingTicks; tick * tickSeconds < course.seconds; tick++) {
    const at = tick * tickSeconds;
    await delay(Math.max(0, begin + (1000 * at) / pace - performance.now()));
    const load = Math.round(course.load(at));
    const posting = poster.post(Math.round((load * tickSeconds) / pace));
    for (const kill of course.kills) if (kill.at === at) fleet.kill(kill.workers);
    const page = await (await fetch(`${api}/evaluator/metrics`)).text();
    const seen = readScrape(page, profile, (performance.now() - begin) / 1000);
    if (tick % every === 0) watch.scraped(seen);
    await posting;
    if (at < 0) continue;
    if (tick % every === lookAfter) fleet.scaleTo(watch.look(at, fleet.ordered()));
    const sample: Sample = {
      at,
      postedPerSecond: load,
      ordered: fleet.ordered(),
      ready: fleet.ready(),
      pending: seen.pending,
      itemsPerSecond: seen.itemsPerSecond,
      backlogSeconds: seen.backlogSeconds * pace,
      demanded: watch.demanded(),
    };
    samples.push(sample);
    if (at % 60 === 0) {
      const { ready, ordered, backlogSeconds } = sample;
      say(`${at} s: ${load} items/s, ${ready} of ${ordered} workers, backlog ${Math.round(backlogSeconds)} s`);
    }
  }
  return samples;
}
