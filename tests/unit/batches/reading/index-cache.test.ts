import { expect, test, vi } from 'vitest';
import { createIndexCache } from '../../../../batches/reading/index-cache.ts';

const bytesOf = (value: Uint8Array) => value.byteLength;
const value = (bytes: number) => new Uint8Array(bytes);

test('forgets the values that were used least recently when they take too much memory', () => {
  const cache = createIndexCache(10_000, bytesOf);
  cache.set('a', value(3_000));
  cache.set('b', value(3_000));
  expect(cache.get('a')).toBeDefined();
  cache.set('c', value(5_000));
  expect(['a', 'b', 'c'].map((key) => cache.get(key)?.length)).toEqual([3_000, undefined, 5_000]);
});

test('does not remember a value that alone takes too much memory, and forgets nothing for it', () => {
  const cache = createIndexCache(10_000, bytesOf);
  cache.set('a', value(3_000));
  cache.set('b', value(10_000));
  expect(['a', 'b'].map((key) => cache.get(key)?.length)).toEqual([3_000, undefined]);
});

test('counts a value that is set again once', () => {
  const cache = createIndexCache(10_000, bytesOf);
  cache.set('a', value(3_000));
  for (let time = 0; time < 5; time++) cache.set('b', value(4_000));
  expect(cache.get('a')?.length).toBe(3_000);
});

test('bounds the number of small values', () => {
  const cache = createIndexCache(10_000, bytesOf);
  for (let key = 0; key < 1_000; key++) cache.set(String(key), value(0));
  expect(Array.from({ length: 1_000 }, (_, key) => cache.get(String(key))).filter(Boolean).length).toBeLessThan(21);
});

test('forgets a value at the end of its time, which begins again when it is replaced', () => {
  vi.useFakeTimers();
  const cache = createIndexCache(10_000, bytesOf, 1_000);
  cache.set('a', value(3_000));
  cache.set('b', value(3_000));
  vi.advanceTimersByTime(600);
  cache.set('b', value(2_000));
  vi.advanceTimersByTime(600);
  expect(['a', 'b'].map((key) => cache.get(key)?.length)).toEqual([undefined, 2_000]);
  cache.set('c', value(7_000));
  expect(['b', 'c'].map((key) => cache.get(key)?.length)).toEqual([2_000, 7_000]);
  vi.advanceTimersByTime(1_000);
  expect(['b', 'c'].map((key) => cache.get(key)?.length)).toEqual([undefined, undefined]);
  vi.useRealTimers();
});

test('keeps no timer, which would keep the value in memory, for a value that it forgets early', () => {
  vi.useFakeTimers();
  const cache = createIndexCache(10_000, bytesOf, 1_000);
  for (let key = 0; key < 100; key++) cache.set(String(key), value(4_000));
  expect(vi.getTimerCount()).toBe(2);
  vi.useRealTimers();
});
