import { expect, test } from 'vitest';
import { longListIn } from '../../../shared/long-lists.ts';

test('a long list is found at any depth, by its path', () => {
  const long = Array(4).fill(1);
  expect(longListIn(long, 3)).toEqual({ path: '', length: 4 });
  expect(longListIn({ a: [1, 2, 3], b: { c: [{ d: long }] } }, 3)).toEqual({ path: 'b.c.0.d', length: 4 });
  for (const value of [null, 'text', 7, { a: [1, 2, 3] }, [[], {}]]) expect(longListIn(value, 3)).toBeUndefined();
});

test('many short lists are too long together', () => {
  const lists = (count: number) => Array.from({ length: count }, () => [1, 2, 3]);
  expect(longListIn({ a: lists(3) }, 3)).toBeUndefined();
  expect(longListIn({ a: lists(3), b: [1] }, 3)).toEqual({ path: 'b', length: 13 });
});
