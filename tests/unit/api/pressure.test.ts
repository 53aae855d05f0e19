import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { createPressureGuard, type Vitals, watchVitals } from '../../../api/middleware/pressure.ts';

const calm: Vitals = { loopDelayMs: 10, ownShare: 0.2, heapShare: 0.5, memoryShare: 0.5 };

function pass(vitals: Vitals): string {
  try {
    void createPressureGuard(() => vitals)({} as Request, {} as Response, () => {});
    return 'let in';
  } catch (error) {
    return (error as Error & { code: string }).code;
  }
}

test.each<[string, Partial<Vitals>, string]>([
  ['that keeps up', {}, 'let in'],
  ['whose memory has no limit', { memoryShare: 0 }, 'let in'],
  ['whose event loop is late by its own work', { loopDelayMs: 400, ownShare: 0.9 }, 'overloaded'],
  ['that waits for a machine busy with other programs', { loopDelayMs: 400, ownShare: 0.17 }, 'let in'],
  ['that hardly ever gets a processor', { loopDelayMs: 3_000, ownShare: 0.05 }, 'overloaded'],
  ['that is busy and on time', { loopDelayMs: 20, ownShare: 1 }, 'let in'],
  ['whose heap is nearly full', { heapShare: 0.9 }, 'overloaded'],
  ['whose container is nearly full', { memoryShare: 0.95 }, 'overloaded'],
])('a process %s has new work %s', (_what, strained, expected) => {
  expect(pass({ ...calm, ...strained })).toBe(expected);
});

test('a loop that works without a pause reports the work as its own', async () => {
  const vitals = watchVitals();
  // Until the first second has been measured.
  while (vitals().ownShare === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    const { user } = process.threadCpuUsage();
    while (process.threadCpuUsage().user - user < 50_000);
  }
  expect(vitals().ownShare).toBeGreaterThan(0);
  expect(vitals().ownShare).toBeLessThanOrEqual(1.1);
});
