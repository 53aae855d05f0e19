import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Health } from '../../../shared/contracts/health.ts';
import { movedTo } from '../../../web/shell/former-address.ts';
import {
  addReading,
  gapMs,
  gaugeOf,
  maxReadings,
  nowOf,
  type Reading,
  ratesOf,
  readingOf,
  runsOf,
} from '../../../web/system/overview/activity.ts';
import { pastStatusWords, reasonOf, statusWords } from '../../../web/system/overview/health-words.ts';
import { metricLines } from '../../../web/system/overview/metric-lines.ts';
import { stageTimesOf } from '../../../web/system/overview/stage-times.ts';

test.each([
  ['#/health', '#/system'],
  ['#/models', '#/system/models'],
  ['#/traffic?a=1', '#/system/traffic?a=1'],
])('the former address %s leads to %s', (former, current) => {
  expect(movedTo(former)).toBe(current);
  expect(movedTo(current)).toBeUndefined();
});

test('times of single requests and of batches are apart', () => {
  const text = [
    'vls_stage_duration_seconds_bucket{le="0.001",stage="decode",mode="single"} 3',
    'vls_stage_duration_seconds_sum{stage="decode",mode="single"} 0.03',
    'vls_stage_duration_seconds_count{stage="decode",mode="single"} 4',
    'vls_stage_duration_seconds_sum{stage="decode",mode="batch"} 8',
    'vls_stage_duration_seconds_count{stage="decode",mode="batch"} 4',
    'vls_stage_duration_seconds_sum{stage="fetch",mode="single"} 0',
    'vls_stage_duration_seconds_count{stage="fetch",mode="single"} 0',
  ].join('\n');
  expect(
    stageTimesOf(metricLines(text, ['vls_stage_duration_seconds_sum', 'vls_stage_duration_seconds_count'])),
  ).toEqual([{ stage: 'decode', modes: { single: { count: 4, meanMs: 7.5 }, batch: { count: 4, meanMs: 2_000 } } }]);
});

const health = { queues: [{ waiting: 2 }, { waiting: 3 }] } as Health;
const metrics = (pairs: number, started = 100) =>
  metricLines(
    [
      `process_start_time_seconds ${started}`,
      `vls_items_total{mode="single",outcome="succeeded",code=""} ${pairs}`,
      'vls_items_total{mode="batch",outcome="succeeded",code=""} 9000',
      `vls_http_request_duration_seconds_count{method="POST",route="/v1/evaluation/single",status="200"} ${pairs}`,
      'vls_http_request_duration_seconds_count{method="GET",route="/health",status="200"} 50',
    ].join('\n'),
    ['process_', 'vls_'],
  );
const reading = (at: number, pairs: number, started?: number): Reading =>
  readingOf(at, health, [], metrics(pairs, started));
const pairRates = (history: Reading[]) =>
  ratesOf(history, (before, after, seconds) => (after.pairs - before.pairs) / seconds);

test('a reading counts single pairs without those of batches, and all queues', () => {
  expect(reading(0, 7)).toMatchObject({ pairs: 7, requests: 7, waiting: 5 });
});

test('a rate needs two readings of one process without a gap', () => {
  expect(pairRates([reading(0, 10), reading(5_000, 30)])).toEqual([[5_000, 4]]);
  expect(pairRates([reading(0, 10, 100), reading(5_000, 3, 104)])).toEqual([]);
  expect(pairRates([reading(0, 10), reading(gapMs + 1, 30)])).toEqual([]);
  const withoutMetrics = readingOf(5_000, { ...health, queues: null }, [], undefined);
  expect(withoutMetrics.waiting).toBeNull();
  expect(pairRates([reading(0, 10), withoutMetrics])).toEqual([]);
});

test('a gauge is unknown while Redis does not answer, and not the last known value', () => {
  const known = readingOf(0, health, [{ itemsPerSecond: 4 }, { itemsPerSecond: null }] as BatchStatus[], metrics(1));
  const unknown = readingOf(5_000, { ...health, queues: null }, null, metrics(1));
  expect(known).toMatchObject({ itemsPerSecond: 4, runningBatches: 2, waiting: 5 });
  for (const read of ['itemsPerSecond', 'runningBatches', 'waiting'] as const) {
    const nowIn = (history: Reading[]) =>
      nowOf(
        history,
        gaugeOf(history, (reading) => reading[read]),
      );
    expect(nowIn([known])).toBe(known[read]);
    expect(nowIn([known, unknown])).toBeUndefined();
    expect(nowIn([unknown])).toBeUndefined();
  }
});

test('the history is bounded, and a gap in time divides a curve', () => {
  let history: Reading[] = [];
  for (let at = 0; at < maxReadings + 20; at++) history = addReading(history, reading(at, at));
  expect(history).toHaveLength(maxReadings);
  expect(history.at(-1)?.at).toBe(maxReadings + 19);
  expect(
    runsOf([
      [0, 1],
      [5_000, 2],
      [5_001 + gapMs, 3],
    ]).map((run) => run.length),
  ).toEqual([2, 1]);
});

test('a service that cannot score says why, and a batch that may get lost is not called refused', () => {
  const redis = {
    status: 'ok',
    fault: null,
    server: 'Redis',
    version: '8',
    durability: 'always',
    detail: null,
  } as const;
  const model = (state: 'loading' | 'ready' | 'failed') => ({
    model: `m-${state}`,
    revision: '1',
    state,
    encoders: { ready: 0, configured: 1, restarts: 0 },
    detail: null,
  });
  const reason = (...states: ('loading' | 'ready' | 'failed')[]) =>
    reasonOf({ status: 'unavailable', models: states.map(model) });
  expect(reason('loading', 'failed')).toMatch(/^m-loading is loading/);
  expect(reason('failed')).toMatch(/^m-failed could not be loaded/);
  expect(reason('ready')).toMatch(/stopping/);
  expect(reason()).toMatch(/^No model is loaded/);
  expect(reasonOf({ status: 'ok', models: [] })).toBeUndefined();
  expect(statusWords({ status: 'degraded', redis })).toBe('Batches may get lost');
  expect(statusWords({ status: 'degraded', redis: { ...redis, status: 'down' } })).toMatch(/batches are not$/);
});

test('a service that does not answer is described as it was', () => {
  const redis = { status: 'ok' } as Health['redis'];
  const past = (status: Health['status']) => pastStatusWords({ status, redis }, '20:44:56');
  expect(['ok', 'unavailable', 'degraded'].map((status) => past(status as Health['status']))).toEqual([
    'The service worked at 20:44:56',
    'Nothing could be scored at 20:44:56',
    'Batches could get lost at 20:44:56',
  ]);
});
