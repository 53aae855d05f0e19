import { expect, test } from 'vitest';
import { horizons } from '../../testing/scaling/demand.ts';
import { readRule } from '../../testing/scaling/manifest.ts';
import { turnsOf } from '../scaling/figures.ts';
import { plotOf } from '../scaling/plot.ts';
import type { Scenario } from '../scaling/scenarios.ts';
import { simulate } from '../scaling/simulation.ts';

/** Six minutes in quick motion, over a real Redis, API and workers. */
const scenario: Scenario = {
  name: 'burst',
  title: 'Load for four workers, one of which is killed',
  seconds: 360,
  load: (at) => (at >= 60 ? 800 : 80),
  workers: 1,
  kills: [{ at: 270, workers: 1 }],
  limits: { peakSeconds: 0, overTargetSeconds: 0, turns: 0 },
};

test('workers are ordered for a burst, a killed one is replaced, and every item gets its score', async () => {
  const { samples, posted, lost } = await simulate(scenario, {
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
  expect(plotOf(scenario.title, samples)).not.toMatch(/NaN|Infinity|undefined/);
});
