import { expect, test } from 'vitest';
import { createBackoff } from '../../../start/backoff.ts';

test('the wait doubles from 100 ms to 5 s', () => {
  const wait = createBackoff();
  expect(Array.from({ length: 8 }, () => wait(0))).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test('a run of ten seconds makes the next wait 100 ms again', () => {
  const wait = createBackoff();
  wait(0);
  wait(0);
  expect(wait(10_000)).toBe(100);
  expect(wait(9_999)).toBe(200);
});
