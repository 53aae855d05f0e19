import { createClient } from '../../testing/client.ts';
import { addDuration, type Durations, durationsOf, generateLoad, noAnswer } from '../../testing/load/generator.ts';
import { median, percentile, sum } from '../../testing/statistics.ts';
import { table } from '../figures.ts';
import type { Scenario, Target, Thresholds } from './scenarios.ts';

export interface Measured {
  scenario: string;
  seconds: number;
  connections: number;
  requests: number;
  requestsPerSecond: number;
  /** The share of requests without a 2xx response. */
  errorShare: number;
  latencyMs: { p50: number; p90: number; p99: number; max: number };
  /** Absent when no batch has ended. */
  batches?: { count: number; p50Seconds: number; itemsPerSecond: number; failedItems: number };
  verdicts: Verdict[];
}

export interface Verdict {
  threshold: keyof Thresholds;
  bound: number;
  /** The measured value. Null when nothing was measured, which counts as a miss. */
  value: number | null;
  passed: boolean;
}

export interface RunOptions {
  url: string;
  seconds: number;
  connections: number;
  headers: Record<string, string>;
  model?: string | undefined;
  imageUrl: Target['imageUrl'];
}

/** Runs all loads of a scenario at the same time. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Measured> {
  const { url, seconds, connections, headers, model, imageUrl } = options;
  const { call } = createClient(url, headers);
  const signal = AbortSignal.timeout(1000 * seconds);
  const batches: Parameters<Target['onBatch']>[0][] = [];
  const requests: Durations[] = scenario.loads.map(() => new Map());
  const targetOf = (seen: Durations): Target => ({
    imageUrl,
    signal,
    onBatch: (batch) => batches.push(batch),
    async ask<Body>(method: string, path: string, body?: object) {
      const json = body === undefined ? {} : { body: JSON.stringify({ ...body, model }) };
      const start = performance.now();
      let outcome: string | number = noAnswer;
      try {
        const init = { method, headers: { 'content-type': 'application/json' }, ...json };
        const answer = await call<Body>(path, { ...init, signal: AbortSignal.timeout(30_000) });
        outcome = answer.status;
        return answer;
      } finally {
        addDuration(seen, outcome, performance.now() - start);
      }
    },
  });
  await Promise.all(
    scenario.loads.map(({ act, connections: share }, at) =>
      generateLoad(() => act(targetOf(requests[at] ?? new Map())), { atOnce: share(connections), signal }),
    ),
  );
  const latencies = durationsOf(requests[0] ?? new Map());
  const total = sum(requests.map((seen) => durationsOf(seen).length));
  const good = requests.flatMap((seen) => [...seen].filter(([status]) => typeof status === 'number' && status < 300));
  const measured = {
    scenario: scenario.name,
    seconds,
    connections: sum(scenario.loads.map(({ connections: share }) => share(connections))),
    requests: total,
    requestsPerSecond: latencies.length / seconds,
    errorShare: 1 - sum(good.map(([, times]) => times.length)) / Math.max(1, total),
    latencyMs: {
      p50: median(latencies),
      p90: percentile(latencies, 0.9),
      p99: percentile(latencies, 0.99),
      max: percentile(latencies, 1),
    },
    ...(batches.length > 0 && {
      batches: {
        count: batches.length,
        p50Seconds: median(batches.map((batch) => batch.seconds)),
        itemsPerSecond: sum(batches.map(({ items }) => items)) / seconds,
        failedItems: sum(batches.map(({ failed }) => failed)),
      },
    }),
  };
  return { ...measured, verdicts: judge(measured, scenario.thresholds) };
}

/** Compares a run with each threshold. A run without requests misses all. */
export function judge(measured: Omit<Measured, 'verdicts'>, thresholds: Thresholds): Verdict[] {
  const { requests, errorShare, latencyMs, batches } = measured;
  const values: Record<keyof Thresholds, number | undefined> = {
    errorShare: requests > 0 ? errorShare : undefined,
    p50Ms: requests > 0 ? latencyMs.p50 : undefined,
    p99Ms: requests > 0 ? latencyMs.p99 : undefined,
    batchP50Seconds: batches?.p50Seconds,
    failedItems: batches?.failedItems,
  };
  return (Object.entries(thresholds) as [keyof Thresholds, number][]).map(([threshold, bound]) => {
    const value = values[threshold] ?? null;
    return { threshold, bound, value, passed: value !== null && value <= bound };
  });
}

const round = (value: number | undefined): string =>
  value === undefined ? '' : value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

export function loadTable(results: readonly Measured[]): string {
  const rows = results.map(({ scenario, requestsPerSecond, latencyMs: { p50, p90, p99 }, errorShare, batches }) => [
    scenario,
    ...[requestsPerSecond, p50, p90, p99].map(round),
    `${round(errorShare * 100)} %`,
    round(batches?.p50Seconds),
    round(batches?.itemsPerSecond),
  ]);
  const verdicts = results.flatMap(({ scenario, verdicts: all }) =>
    all.map(({ threshold, bound, value, passed }) => [
      passed ? 'pass' : 'FAIL',
      threshold,
      `<= ${bound}`,
      value === null ? 'none' : round(value),
      scenario,
    ]),
  );
  const head = ['scenario', 'requests/s', 'p50 ms', 'p90 ms', 'p99 ms', 'errors', 'batch p50 s', 'items/s'];
  return `${table(head, rows)}\n\n${table(['', 'threshold', 'bound', 'measured', 'scenario'], verdicts)}\n`;
}
