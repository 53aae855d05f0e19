import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Health } from '../../../shared/contracts/health.ts';
import type { MetricLine } from './metric-lines.ts';

/**
 * The counters and gauges of the service at one time. Each counter is that of a single process: the process that
 * answered the request.
 */
export interface Reading {
  /** The time of these values in ms since 1970. */
  at: number;
  /**
   * The start time of the process that answered, which identifies that process. Undefined without metrics, which only
   * operators may read.
   */
  process: number | undefined;
  /**
   * The number of pairs in single requests since the process started. The next two fields are the number of requests
   * that score or embed, and the sum of their durations in s.
   */
  pairs: number;
  requests: number;
  requestSeconds: number;
  /** The number of embeddings that each model has computed since the process started. */
  embeddings: Readonly<Record<string, number>>;
  /** The items per second of all running batches that the user may see. */
  itemsPerSecond: number;
  runningBatches: number;
  /** The number of chunks (parts of batches) that wait in all queues; null if the user may not see it. */
  waiting: number | null;
}

/** A point of a curve: the value at one time, or over the interval before that time. */
export type Point = readonly [at: number, value: number];

/** The interval in ms at which the page reads the counters and gauges. */
export const readingMs = 5_000;
/** The maximum number of readings that the page keeps. They cover 15 minutes. */
export const maxReadings = 180;
/**
 * The minimum distance in ms between two readings that counts as a gap. A gap means that the view was closed or the
 * connection was lost.
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

/**
 * The routes whose response contains scores or embeddings. Requests to other routes do not count as scoring requests.
 */
const scoringRoutes = /\/(single|rank|embeddings|score)$/;

export function readingOf(
  at: number,
  health: Health,
  batches: readonly BatchStatus[],
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
    itemsPerSecond: batches.reduce((total, { itemsPerSecond }) => total + (itemsPerSecond ?? 0), 0),
    runningBatches: batches.length,
    waiting: health.queues?.reduce((total, { waiting }) => total + waiting, 0) ?? null,
  };
}

/** Adds a reading. If there are too many, the oldest reading is dropped. */
export const addReading = (history: readonly Reading[], reading: Reading): Reading[] =>
  [...history, reading].slice(-maxReadings);

/** Returns the values of a gauge over time. Readings for which `read` returns null are left out. */
export const gaugeOf = (history: readonly Reading[], read: (reading: Reading) => number | null): Point[] =>
  history.flatMap((reading) => {
    const value = read(reading);
    return value === null ? [] : [[reading.at, value] as const];
  });

/**
 * Returns values that are computed from the differences of counters: one value for each two consecutive readings of the
 * same process. Pairs of readings with a gap between them are left out, as are those for which `read` returns null.
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

/** Divides the points of a curve into parts without a gap in time. */
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
