import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { createPressureGuard, type Vitals } from '../../../api/middleware/pressure.ts';

const calm: Vitals = { loopDelayMs: 10, heapShare: 0.5, memoryShare: 0.5 };

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
  ['whose event loop is late', { loopDelayMs: 400 }, 'overloaded'],
  ['whose heap is nearly full', { heapShare: 0.9 }, 'overloaded'],
  ['whose container is nearly full', { memoryShare: 0.95 }, 'overloaded'],
])('a process %s has new work %s', (_what, strained, expected) => {
  expect(pass({ ...calm, ...strained })).toBe(expected);
});
