import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Admission, createAdmission } from '../../../api/middleware/admission.ts';

let admission: Admission;
beforeEach(() => {
  vi.useFakeTimers();
  admission = createAdmission({ evaluators: () => 2, now: Date.now });
  return () => vi.useRealTimers();
});

/** Ends a request that was let in, successfully when it says how long it fetched. */
type End = (fetchMs?: number) => void;

function send(): End | undefined {
  const response = new EventEmitter() as unknown as Response;
  try {
    void admission.enter({} as Request, response, () => {});
  } catch (error) {
    expect(error).toMatchObject({ code: 'overloaded', retryAfter: 1 });
    return undefined;
  }
  return (fetchMs) => {
    if (fetchMs !== undefined) admission.observe({ fetchMs });
    response.emit('close');
  };
}

/** Sends until one is refused. */
function fill(): End[] {
  const inHand: End[] = [];
  for (let end = send(); end !== undefined; end = send()) inHand.push(end);
  return inHand;
}

/** Full load of requests that fetch for so long, in rounds of as many as are let in; the size of the last round. */
function rounds(count: number, fetchMs: number): number {
  let size = 0;
  for (let round = 0; round < count; round++) {
    const inHand = fill();
    size = inHand.length;
    vi.advanceTimersByTime(fetchMs + 50);
    for (const end of inHand) end(fetchMs);
  }
  return size;
}

describe('the bound on requests in hand', () => {
  test('is what the evaluators can have in hand where images come with their requests', () => {
    expect(rounds(50, 0)).toBe(16);
  });

  test('grows with the time that requests spend at image hosts, up to a memory’s worth', () => {
    const [first, later] = [rounds(2, 1_000), rounds(8, 1_000)];
    expect(first).toBeLessThan(40);
    expect(later).toBeGreaterThan(100);
    expect(rounds(20, 1_000)).toBe(512);
  });

  test('is back where it was soon after', () => {
    rounds(20, 1_000);
    vi.advanceTimersByTime(20_000);
    expect(fill()).toHaveLength(16);
  });

  test('does not count who waits for a host that does not answer', () => {
    expect(fill()).toHaveLength(16);
    vi.advanceTimersByTime(2_999);
    expect(send()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(fill()).toHaveLength(16);
  });

  test('counts those too against what memory allows', () => {
    let inHand = 0;
    for (let round = 0; round < 100; round++) {
      inHand += fill().length;
      vi.advanceTimersByTime(3_000);
    }
    expect(inHand).toBe(512);
  });
});

test('an answer makes a place, and so do a failure and a client that goes away', () => {
  const [answered, failed] = fill();
  answered?.(0);
  expect(fill()).toHaveLength(1);
  failed?.();
  expect(fill()).toHaveLength(1);
});
