import { expect, test } from 'vitest';
import { horizons } from '../../../testing/scaling/demand.ts';
import { readRule } from '../../../testing/scaling/manifest.ts';
import { type Course, simulate } from '../../../testing/scaling/simulation.ts';
import { turnsOf } from '../../../testing/scaling/turns.ts';

/** Six minutes in quick motion, over a real Redis, API and workers. */
const course: Course = {
  seconds: 360,
  load: (at) => (at >= 60 ? 800 : 80),
  workers: 1,
  kills: [{ at: 270, workers: 1 }],
};

test('workers are ordered for a burst, a killed one is replaced, and every item gets its score', async () => {
  const { samples, posted, lost } = await simulate(course, {
    rule: { ...readRule('fast'), maxReplicas: 4, itemsPerSecondOfWorker: 200 },
    horizon: horizons.cpu,
    worker: { itemsPerSecond: 250, startSeconds: 15 },
    pace: 30,
  });
  const ordered = samples.map((sample) => sample.ordered);
  expect(ordered[0]).toBe(1);
  expect(ordered.at(-1)).toBe(4);
  expect(turnsOf(ordered)).toBe(0);
  expect(Math.max(...samples.map(({ ready }) => ready))).toBeGreaterThan(1);
  expect(samples.find(({ at }) => at === 270)?.ready).toBeLessThan(4);
  expect(posted).toBeGreaterThan(8_000);
  expect(lost).toBe(0);
});
