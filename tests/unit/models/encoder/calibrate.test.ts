import { expect, test } from 'vitest';
import { calibrate } from '../../../../models/encoder/calibrate.ts';

/** A tower with these times by micro-batch, in milliseconds; the first run of each size is slow. */
function towerOf(times: Record<number, number>) {
  const runs: number[] = [];
  return {
    runs,
    run: async (images: number) => {
      const first = !runs.includes(images);
      runs.push(images);
      return first ? 10_000 : (times[images] ?? 100 * images);
    },
  };
}

test('the size with most images a second is taken', async () => {
  const { run } = towerOf({ 1: 40, 2: 70, 4: 130, 8: 225, 16: 480, 32: 970 });
  const { images, imagesPerSecond } = await calibrate(run);
  expect(images).toBe(8);
  expect(imagesPerSecond[8]).toBeCloseTo(35.6, 1);
});

test('a larger size that gains next to nothing is not worth its latency', async () => {
  expect((await calibrate(towerOf({ 1: 10, 2: 19.9, 4: 39.5, 8: 79 }).run)).images).toBe(1);
});

test('nothing is tried further once larger sizes no longer help', async () => {
  const tower = towerOf({ 1: 10, 2: 25, 4: 60 });
  expect((await calibrate(tower.run)).images).toBe(1);
  expect(Math.max(...tower.runs)).toBe(4);
});

test('no size is tried whose run would keep a single request waiting for more than a second', async () => {
  const tower = towerOf({ 1: 400, 2: 700, 4: 1_200 });
  expect((await calibrate(tower.run)).images).toBe(2);
  expect(Math.max(...tower.runs)).toBe(2);
});
