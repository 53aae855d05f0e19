import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { forkScript } from '../processes/forked.ts';
import { startRedis } from '../processes/redis.ts';
import { decide, noMemory, type Rule } from './autoscaler.ts';
import { demand, type Horizon } from './demand.ts';
import { createFleet } from './fleet.ts';
import { createPoster } from './poster.ts';
import type { Scenario } from './scenarios.ts';
import { readScrape, type Scrape, signalsOf } from './scrape.ts';

/** One look at everything, every five seconds. */
export interface Sample {
  /** Seconds since the beginning. */
  at: number;
  postedPerSecond: number;
  ordered: number;
  ready: number;
  pending: number;
  itemsPerSecond: number;
  backlogSeconds: number;
  /** What the autoscaler was last told. */
  demanded: number;
}

export interface Simulated {
  samples: Sample[];
  posted: number;
  /** Items without a score when every batch had ended. */
  lost: number;
}

export interface SimulationOptions {
  rule: Rule;
  horizon: Horizon;
  worker: { itemsPerSecond: number; startSeconds: number };
  /**
   * Seconds of the simulation in a second. Of the service itself nothing runs faster: speeds stay what they are a
   * second, a dead worker's chunks take as long to come back.
   */
  pace: number;
  say?: (line: string) => void;
}

const profile = 'compact';
const tickSeconds = 5;
/** In ticks: Prometheus scrapes every 15 s, the autoscaler asks as often, and not at the same moment. */
const every = 3;
const lookAfter = 2;
/** Before it begins, the load of its first moment, until speeds and arrivals are known: two minutes. */
const settlingTicks = 24;

/**
 * A scenario on a Redis that writes its file at every commit, a real API and real worker processes with a stub in place
 * of the device. The autoscaler sees what Prometheus would: the metrics of the API.
 */
export async function simulate(scenario: Scenario, options: SimulationOptions): Promise<Simulated> {
  const { rule, horizon, worker, pace, say = () => {} } = options;
  const real = (seconds: number) => seconds / pace;
  const directory = mkdtempSync(join(tmpdir(), 'vls-scaling-'));
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, PORT: '0', METRICS_PORT: '0', DATA_DIR: directory, LOG_LEVEL: 'error' };
  const api = await forkScript<{ url: string }>('./stub-service.ts', ['api'], env);
  let failure: Error | undefined;
  const fleet = createFleet({ ...worker, startSeconds: real(worker.startSeconds) }, env, (error) => {
    failure = error;
  });
  try {
    const poster = createPoster(api.ready.url);
    fleet.scaleTo(scenario.workers);
    while (fleet.ready() < scenario.workers && failure === undefined) await delay(100);

    const samples: Sample[] = [];
    const scrapes: Scrape[] = [];
    let memory = noMemory;
    let demanded = 0;
    const begin = performance.now() + 1000 * real(settlingTicks * tickSeconds);
    for (let tick = -settlingTicks; tick * tickSeconds < scenario.seconds; tick++) {
      const at = tick * tickSeconds;
      await delay(Math.max(0, begin + 1000 * real(at) - performance.now()));
      if (failure !== undefined) throw failure;
      const load = scenario.load(at);
      const posting = poster.post(Math.round(load * real(tickSeconds)));
      for (const kill of scenario.kills) if (kill.at === at) fleet.kill(kill.workers);
      const page = await (await fetch(`${api.ready.url}/evaluator/metrics`)).text();
      const seen = readScrape(page, profile, (performance.now() - begin) / 1000);
      if (tick % every === 0) scrapes.push(seen);
      if (at < 0) {
        await posting;
        continue;
      }
      if (tick % every === lookAfter) {
        const signals = signalsOf(scrapes, real(horizon.windowSeconds));
        demanded = demand(signals, {
          startUpSeconds: real(horizon.startUpSeconds),
          targetSeconds: real(horizon.targetSeconds),
        });
        const decision = decide(rule, memory, at, demanded, fleet.ordered());
        memory = decision.memory;
        fleet.scaleTo(decision.replicas);
      }
      const { pending, itemsPerSecond, backlogSeconds } = seen;
      samples.push({
        at,
        postedPerSecond: load,
        ordered: fleet.ordered(),
        ready: fleet.ready(),
        pending,
        itemsPerSecond,
        backlogSeconds: backlogSeconds * pace,
        demanded,
      });
      if (at % 60 === 0) {
        say(`${at} s: ${load} items/s, ${fleet.ready()} of ${fleet.ordered()} workers, backlog ${backlogSeconds} s`);
      }
      await posting;
    }
    return { samples, posted: poster.posted(), lost: await poster.lost() };
  } finally {
    await fleet.stop();
    await api.stop();
    await redis.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
