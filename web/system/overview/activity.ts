import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Health } from '../../../shared/contracts/health.ts';
import type { MetricLine } from './metric-lines.ts';

/** Counters and gauges of the service at one time. The counters are those of the process that answered. */
export interface Reading {
  /** The time in ms since 1970. */
  at: number;
  /**
   * The start time of the process that answered, which identifies this process. Undefined if the user may not read
   * metrics.
   */
  process: number | undefined;
  /**
   * Pairs in single requests since the process started. `requests` counts requests that score or embed;
   * `requestSeconds` sums their durations.
   */
  pairs: number;
  requests: number;
  requestSeconds: number;
  /** Embeddings computed by each model since the process started. */
  embeddings: Readonly<Record<string, number>>;
  /** The items per second of all running batches that the user may see; null if they are unknown. */
  itemsPerSecond: number | null;
  runningBatches: number | null;
  /** Chunks (parts of batches) waiting in all queues; null if they are unknown, or the user may not see them. */
  waiting: number | null;
}

/** A point of a curve: the value at one time, or over the interval before it. */
export type Point = readonly [at: number, value: number];

/** The interval in ms at which the page reads counters and gauges. */
export const readingMs = 5_000;
/** Enough for 15 minutes. */
export const maxReadings = 180;
/**
 * Two readings more than this many ms apart have a gap between them, because the view was closed or the connection
 * lost.
 */
export const gapMs = 4 * readingMs;

export const metricPrefixes = [
  'process_start_time_seconds',
  'vls_items_total',
  'vls_http_request_duration_seconds_sum',
  'vls_http_request_duration_seconds_count',
  'vls_embeddings_total',
  'vls_stage_duration_seconds_sum',
  'vls_stage_duration_seconds_count',
];

/** Routes whose response contains scores or embeddings. */
const scoringRoutes = /\/(single|rank|embeddings|score)$/;

/** @param batches the running batches; null if they are unknown, because Redis does not answer. */
export function readingOf(
  at: number,
  health: Health,
  batches: readonly BatchStatus[] | null,
  lines: readonly MetricLine[] | undefined,
): Reading {
  const sum = (name: string, isWanted: (labels: MetricLine['labels']) => boolean) =>
    (lines ?? []).reduce((total, line) => total + (line.name === name && isWanted(line.labels) ? line.value : 0), 0);
  const isScoring = ({ method, route = '' }: MetricLine['labels']) => method === 'POST' && scoringRoutes.test(route);
  const embeddings: Record<string, number> = {};
  for (const { name, labels, value } of lines ?? []) {
    const model = labels['model'];
    if (name === 'vls_embeddings_total' && model !== undefined) embeddings[model] = (embeddings[model] ?? 0) + value;
  }
  return {
    at,
    process: lines?.find(({ name }) => name === 'process_start_time_seconds')?.value,
    pairs: sum('vls_items_total', ({ mode }) => mode === 'single'),
    requests: sum('vls_http_request_duration_seconds_count', isScoring),
    requestSeconds: sum('vls_http_request_duration_seconds_sum', isScoring),
    embeddings,
    itemsPerSecond: batches?.reduce((total, { itemsPerSecond }) => total + (itemsPerSecond ?? 0), 0) ?? null,
    runningBatches: batches?.length ?? null,
    waiting: health.queues?.reduce((total, { waiting }) => total + waiting, 0) ?? null,
  };
}

export const addReading = (history: readonly Reading[], reading: Reading): Reading[] =>
  [...history, reading].slice(-maxReadings);

/** Returns the values of a gauge over time, without those for which `read` returns null. */
export const gaugeOf = (history: readonly Reading[], read: (reading: Reading) => number | null): Point[] =>
  history.flatMap((reading) => {
    const value = read(reading);
    return value === null ? [] : [[reading.at, value] as const];
  });

/**
 * Returns a value for each two consecutive readings of the same process without a gap. Null values are left out.
 * @param read gets the earlier and the later reading, and the seconds between them.
 */
export function ratesOf(
  history: readonly Reading[],
  read: (before: Reading, after: Reading, seconds: number) => number | null,
): Point[] {
  return history.flatMap((after, at) => {
    const before = history[at - 1];
    if (before === undefined || after.process === undefined || before.process !== after.process) return [];
    if (after.at - before.at > gapMs || after.at <= before.at) return [];
    const value = read(before, after, (after.at - before.at) / 1_000);
    return value === null ? [] : [[after.at, Math.max(0, value)] as const];
  });
}

/** Returns the value of a curve at the last reading; undefined if it is not known there. */
export function nowOf(history: readonly Reading[], points: readonly Point[]): number | undefined {
  const last = points.at(-1);
  return last?.[0] === history.at(-1)?.at ? last?.[1] : undefined;
}

/** Divides a curve at its gaps in time. */
export function runsOf(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run === undefined || before === undefined || point[0] - before[0] > gapMs) runs.push([point]);
    else run.push(point);
  }
  return runs;
}
