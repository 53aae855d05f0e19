import { expect, test } from 'vitest';
import { drawSample } from '../../../../batches/reading/ordered/sample.ts';
import { scoredEntry } from '../../../../batches/store/score-index.ts';

const range = { from: scoredEntry(0), to: scoredEntry(500_000) };

/** 1,000 items in segments of 100. Every third one is outside the range. */
async function* segments() {
  for (let first = 0; first < 1_000; first += 100) {
    const entries = Uint32Array.from({ length: 100 }, (_, at) => scoredEntry((first + at) % 3 === 0 ? 900_000 : 1_000));
    yield { first, entries };
  }
}

async function indexesOf(count: number, seed: number): Promise<number[]> {
  const isDrawn = await drawSample(segments(), range, count, seed);
  return Array.from({ length: 1_000 }, (_, index) => index).filter(isDrawn);
}

test('a sample has the wanted number of items in the range, and the same for the same seed', async () => {
  const drawn = await indexesOf(50, 7);
  expect(drawn).toHaveLength(50);
  expect(drawn.every((index) => index % 3 !== 0)).toBe(true);
  expect(await indexesOf(50, 7)).toEqual(drawn);
  expect(await indexesOf(50, 8)).not.toEqual(drawn);
  expect(await indexesOf(10_000, 7)).toHaveLength(666);
});

test('every item is drawn equally often, wherever it is in the batch', async () => {
  const times = Array<number>(1_000).fill(0);
  const samples = 600;
  for (let seed = 0; seed < samples; seed++)
    for (const index of await indexesOf(111, seed)) times[index] = (times[index] ?? 0) + 1;
  // A sixth of the 666 items, in 600 samples: 100 times each, with a standard deviation of 9.
  const inRange = times.filter((_, index) => index % 3 !== 0);
  expect(Math.min(...inRange)).toBeGreaterThan(60);
  expect(Math.max(...inRange)).toBeLessThan(140);
  const firstTenth = times.slice(0, 100).reduce((sum, time) => sum + time, 0);
  expect(firstTenth / (samples * 111)).toBeCloseTo(0.1, 2);
});
