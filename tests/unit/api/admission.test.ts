import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Admission, createAdmission } from '../../../api/middleware/admission.ts';

let time: number;
let admission: Admission;
beforeEach(() => {
  vi.useFakeTimers();
  time = 0;
  admission = createAdmission({ evaluators: () => 2, now: () => time });
  return () => vi.useRealTimers();
});

interface InHand {
  request: Request;
  /** Answers it, after so much queueing and 20 ms of work. */
  answer(queuedMs: number): void;
}

/** Sends a request; nothing when it is refused. */
function send(): InHand | undefined {
  const request = {} as Request;
  const response = new EventEmitter() as unknown as Response;
  try {
    void admission.enter(request, response, () => {});
  } catch (error) {
    expect(error).toMatchObject({ code: 'overloaded', retryAfter: 1 });
    return undefined;
  }
  return {
    request,
    answer(queuedMs) {
      admission.observe(request, { fetchMs: 5, decodeMs: 10, inferenceMs: 10, totalMs: 25 + queuedMs });
      response.emit('close');
    },
  };
}

/** Sends until one is refused. */
function fill(): InHand[] {
  const inHand: InHand[] = [];
  for (let next = send(); next !== undefined; next = send()) inHand.push(next);
  return inHand;
}

/** Rounds of as many requests as are let in, each round queueing for so long. */
function rounds(count: number, queuedMs: number): void {
  for (let round = 0; round < count; round++) {
    time += 50;
    for (const { answer } of fill()) answer(queuedMs);
  }
}

describe('the bound on requests in hand', () => {
  test('falls while they queue for longer than they are worked on, down to a few for each evaluator', () => {
    const before = fill();
    for (const { answer } of before) answer(500);
    rounds(20, 500);
    expect(before.length).toBeGreaterThan(8);
    expect(fill()).toHaveLength(8);
  });

  test('is lowered once for a round, however many requests of it queued', () => {
    const first = fill();
    for (const { answer } of first) answer(25);
    const second = fill();
    expect(second.length).toBeGreaterThan(0.7 * first.length);
  });

  test('does not rise while something queues, and rises by a place a round when nothing does', () => {
    rounds(20, 500);
    time += 200;
    const low = fill();
    expect(low).toHaveLength(8);
    for (const { answer } of low) answer(0);
    rounds(4, 0);
    const later = fill().length;
    expect(later).toBeGreaterThan(8);
    expect(later).toBeLessThan(16);
  });

  test('gives way by a half at a time where nothing queues, to hundreds that wait for the hosts of their images', () => {
    const inHand = fill();
    for (let step = 0; step < 20; step++) {
      time += 100;
      inHand.push(...fill());
    }
    expect(inHand).toHaveLength(512);
  });

  test('does not count who waits for a slow host', () => {
    rounds(20, 500);
    expect(fill()).toHaveLength(8);
    expect(send()).toBeUndefined();
    vi.advanceTimersByTime(3_000);
    expect(fill()).toHaveLength(8);
  });
});

test('an answer makes a place', () => {
  rounds(20, 500);
  const [first] = fill();
  expect(send()).toBeUndefined();
  first?.answer(500);
  expect(send()).toBeDefined();
  expect(send()).toBeUndefined();
});
