import { expect, test } from 'vitest';
import { plotOf } from '../scaling/plot.ts';

test('the plot of a simulation has a panel each for load, workers and backlog, and no number that is none', () => {
  const sample = { postedPerSecond: 800, ordered: 4, ready: 3, pending: 90, itemsPerSecond: 750, demanded: 900 };
  const samples = [0, 5, 10].map((at) => ({ at, ...sample, backlogSeconds: at / 2 }));
  const svg = plotOf('Load for four workers', samples);
  expect(svg.match(/<text[^>]*>(items a second|workers|backlog in seconds)</g)).toHaveLength(3);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
