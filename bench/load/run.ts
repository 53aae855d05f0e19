import autocannon from 'autocannon';
import type { Scenario, Seen, Target, Thresholds } from './scenarios.ts';

export interface Measured {
  scenario: string;
  seconds: number;
  connections: number;
  requests: number;
  requestsPerSecond: number;
  /** Share of requests that were answered with anything but 2xx, or not at all. */
  errorShare: number;
  latencyMs: { p50: number; p90: number; p99: number; max: number };
  /** Present where batches were posted, and at least one ended. */
  batches?: { count: number; p50Seconds: number; itemsPerSecond: number; failedItems: number };
  verdicts: Verdict[];
}

export interface Verdict {
  threshold: keyof Thresholds;
  bound: number;
  /** Nothing, where the scenario came to no such figure: that fails as well. */
  value: number | null;
  passed: boolean;
}

export interface RunOptions {
  url: string;
  seconds: number;
  connections: number;
}

/** Runs the loads of a scenario side by side. */
export async function runScenario(scenario: Scenario, target: Target, options: RunOptions): Promise<Measured> {
  const { url, seconds, connections } = options;
  const seen: Seen = { batches: [], open: new Set() };
  const results = await Promise.all(
    scenario.loads.map(({ behaviour, connections: share, requestsPerSecond }) =>
      autocannon({
        url,
        duration: seconds,
        connections: share(connections),
        timeout: 30,
        ...(requestsPerSecond !== undefined && { overallRate: requestsPerSecond }),
        setupClient: behaviour(target, seen),
      }),
    ),
  );
  // What is left would be in the way of the next scenario.
  await Promise.all(
    [...seen.open].map((path) => fetch(`${url}${path}/cancel`, { method: 'POST', headers: target.headers })),
  );
  const [first] = results;
  if (first === undefined) throw new Error(`${scenario.name} has no load`);
  const sum = (of: (result: autocannon.Result) => number) => results.reduce((total, result) => total + of(result), 0);
  const requests = sum((result) => result.requests.total);
  const measured = {
    scenario: scenario.name,
    seconds,
    connections: sum((result) => result.connections),
    requests,
    requestsPerSecond: first.requests.average,
    // autocannon counts a timeout among the errors as well.
    errorShare: sum((result) => result.errors + result.non2xx) / Math.max(1, requests + sum((result) => result.errors)),
    latencyMs: { p50: first.latency.p50, p90: first.latency.p90, p99: first.latency.p99, max: first.latency.max },
    ...(seen.batches.length > 0 && { batches: summaryOf(seen.batches, seconds) }),
  };
  return { ...measured, verdicts: judge(measured, scenario.thresholds) };
}

function summaryOf(batches: Seen['batches'], seconds: number): NonNullable<Measured['batches']> {
  const durations = batches.map((batch) => batch.seconds).toSorted((a, b) => a - b);
  return {
    count: batches.length,
    p50Seconds: durations[Math.floor(durations.length / 2)] ?? 0,
    itemsPerSecond: batches.reduce((total, { items }) => total + items, 0) / seconds,
    failedItems: batches.reduce((total, { failed }) => total + failed, 0),
  };
}

/** Every threshold that is stated, with what came of it. A run without one request has kept none. */
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
