import { expect, test } from 'vitest';
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
