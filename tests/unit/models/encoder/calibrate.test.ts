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
  const { calibration, isComplete } = await calibrate(run);
  expect(isComplete).toBe(true);
  const { images, imagesPerSecond } = calibration;
  expect(images).toBe(8);
  expect(imagesPerSecond[8]).toBeCloseTo(35.6, 1);
});

test('a larger size that gains next to nothing is not worth its latency', async () => {
  expect((await calibrate(towerOf({ 1: 10, 2: 19.9, 4: 39.5, 8: 79 }).run)).calibration.images).toBe(1);
});

test('nothing is tried further once larger sizes no longer help', async () => {
  const tower = towerOf({ 1: 10, 2: 25, 4: 60 });
  expect((await calibrate(tower.run)).calibration.images).toBe(1);
  expect(Math.max(...tower.runs)).toBe(4);
});

test('no size is tried whose run would keep a single request waiting for more than half a second', async () => {
  const tower = towerOf({ 1: 200, 2: 350, 4: 600 });
  expect((await calibrate(tower.run)).calibration.images).toBe(2);
  expect(Math.max(...tower.runs)).toBe(2);
});

test('other work interrupts the measurement, and what was measured is not measured again', async () => {
  const tower = towerOf({ 1: 40, 2: 70, 4: 150 });
  const interrupted = (images: number) => (tower.runs.length === 10 ? Promise.resolve(undefined) : tower.run(images));
  const first = await calibrate(interrupted);
  expect(first).toEqual({ calibration: { images: 2, imagesPerSecond: { 1: 25, 2: 28.57 } }, isComplete: false });
  tower.runs.length = 0;
  const second = await calibrate(tower.run, first.calibration.imagesPerSecond);
  expect(second.isComplete).toBe(true);
  expect(second.calibration.imagesPerSecond).toMatchObject({ 1: 25, 2: 28.57, 4: 26.67 });
  expect(Math.min(...tower.runs)).toBe(4);
});

test('a size that cannot be run ends the measurement, and is not used', async () => {
  const tower = towerOf({ 1: 40, 2: 70 });
  const small = (images: number) => (images > 2 ? Promise.reject(new Error('out of memory')) : tower.run(images));
  expect(await calibrate(small)).toMatchObject({ calibration: { images: 2 }, isComplete: true });
  await expect(calibrate(() => Promise.reject(new Error('out of memory')))).rejects.toThrow('out of memory');
});
