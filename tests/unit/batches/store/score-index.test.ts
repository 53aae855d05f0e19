import { expect, test } from 'vitest';
import {
  entriesOf,
  failedEntry,
  firstEntry,
  itemsPerSegment,
  lastEntry,
  millionthsOf,
  numbersOf,
  offsetEntry,
  scoredEntry,
} from '../../../../batches/store/score-index.ts';
import type { ItemResult } from '../../../../shared/contracts/item.ts';
import { codeNames } from '../../../../shared/errors.ts';

const scored = (index: number, cosine: number): ItemResult => ({ index, status: 'succeeded', cosine, score: 0 });

test('an entry has the cosine exactly, from -1 to 1', () => {
  const cosines = [-1, -0.999999, -0.000001, 0, 0.000001, 0.273115, 0.999999, 1];
  const [part] = entriesOf(cosines.map((cosine, index) => scored(index, cosine)));
  const entries = numbersOf(part?.bytes ?? null);
  expect(Array.from(entries, (entry) => (millionthsOf(entry) ?? Number.NaN) / 1e6)).toEqual(cosines);
  expect([...entries].sort((a, b) => a - b)).toEqual([...entries]);
});

test('no two codes share an entry, and none is that of another outcome', () => {
  const entries = codeNames.map(failedEntry);
  expect(new Set(entries).size).toBe(codeNames.length);
  for (const entry of entries) {
    expect(entry).toBeGreaterThan(scoredEntry(1_000_000));
    expect(entry).toBeGreaterThanOrEqual(firstEntry('failed'));
    expect(entry).toBeLessThanOrEqual(lastEntry('failed'));
    expect(millionthsOf(entry)).toBeUndefined();
  }
  expect(lastEntry('failed')).toBeLessThan(firstEntry('answered'));
});

test('the entry of a code is the same in every release', () => {
  expect(failedEntry('image.corrupt')).toBe(1_356_007_841);
});

test('a chunk that crosses the end of a segment has a part in each', () => {
  const from = itemsPerSegment - 2;
  const parts = entriesOf([0.1, 0.2, 0.3].map((cosine, at) => scored(from + at, cosine)));
  expect(parts.map(({ segment, at, bytes }) => [segment, at, bytes.length])).toEqual([
    [0, 4 * from, 8],
    [itemsPerSegment, 0, 4],
  ]);
});

test('an offset is never the zero of a chunk without an index', () => {
  expect([...numbersOf(Buffer.concat([offsetEntry(0), offsetEntry(64)]))]).toEqual([1, 65]);
});
