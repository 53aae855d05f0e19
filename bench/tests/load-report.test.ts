import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findProgram } from '../../start/redis/find.ts';
import { judge, loadTable, type Measured } from '../load/run.ts';
import { scenarios } from '../load/scenarios.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const measured: Measured = {
  scenario: 'batch',
  seconds: 10,
  connections: 2,
  requests: 200,
  requestsPerSecond: 20,
  errorShare: 0,
  latencyMs: { p50: 10, p90: 20, p99: 1_500, max: 1_700 },
  batches: { count: 5, p50Seconds: 2, itemsPerSecond: 32, failedItems: 1 },
  verdicts: [],
};

test('a threshold is kept up to its bound and missed beyond it', () => {
  const verdicts = judge(measured, { errorShare: 0, p50Ms: 10, p99Ms: 1_000, batchP50Seconds: 2, failedItems: 0 });
  expect(verdicts.map(({ threshold, passed }) => [threshold, passed])).toEqual([
    ['errorShare', true],
    ['p50Ms', true],
    ['p99Ms', false],
    ['batchP50Seconds', true],
    ['failedItems', false],
  ]);
});

test('a run in which nothing was answered, or no batch ended, keeps no threshold', () => {
  const { batches: _, ...withoutBatches } = measured;
  const idle = { ...withoutBatches, requests: 0, latencyMs: { p50: 0, p90: 0, p99: 0, max: 0 } };
  const verdicts = judge(idle, { errorShare: 0, p99Ms: 1_000, batchP50Seconds: 10, failedItems: 0 });
  expect(verdicts.map(({ passed }) => passed)).toEqual([false, false, false, false]);
});

test('every scenario states how many errors and which latency it bears', () => {
  for (const { thresholds } of scenarios)
    expect(thresholds).toMatchObject({ errorShare: 0, p99Ms: expect.any(Number) });
});

test('the table shows every scenario and what failed', () => {
  const verdicts = judge(measured, { errorShare: 0, p99Ms: 1_000 });
  const text = loadTable([{ ...measured, verdicts }]);
  expect(text).toMatch(/^batch +20 +10 +20 +1500 +0 % +2 +32$/m);
  expect(text).toMatch(/^FAIL +p99Ms +<= 1000 +1500 +batch$/m);
});

const python = findProgram('python3');
if (python === undefined) console.log('Skipped: bench/load/locustfile.py is not compiled, as there is no python3.');

test.skipIf(python === undefined)('the Locust file is Python', () => {
  const compile = 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")';
  const { status, stderr } = spawnSync(python ?? '', ['-c', compile, join(root, 'bench/load/locustfile.py')], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
