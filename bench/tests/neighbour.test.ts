import { describe, expect, test } from 'vitest';
import { missesOf, type Row, textOf } from '../neighbour/report.ts';

const probes = { single: 1, rank: 1, large: 1, webhook: 1, reference: 1 };
const held: Row = {
  attack: 'drips',
  what: 'bodies that drip',
  batch: 2,
  batchEnded: true,
  probes: { ...probes, single: 3 },
  refused: {},
  peakMiB: 500,
  afterMiB: -4,
  samePids: true,
  cpuOfOthers: 0.01,
  loggedMb: 0,
  hostile: {},
};
describe('an attack on a neighbour', () => {
  test('misses nothing when each figure is at its target', () => {
    expect(missesOf(held)).toEqual([]);
  });

  test.each<[string, Partial<Row>]>([
    ['batch 2.1 x', { batch: 2.1 }],
    ['the batch did not end', { batchEnded: false }],
    ['webhook 3.5 x', { probes: { ...probes, webhook: 3.5 } }],
    ['2 x single: 503 overloaded', { refused: { 'single: 503 overloaded': 2 } }],
    ['memory +501 MiB', { peakMiB: 501 }],
    ['memory +251 MiB afterwards', { afterMiB: 251 }],
    ['a process ended', { samePids: false, peakMiB: null, afterMiB: null }],
  ])('misses "%s" when that is so', (miss, change) => {
    expect(missesOf({ ...held, ...change })).toEqual([miss]);
  });

  test('misses the target of a probe that was never answered', () => {
    expect(missesOf({ ...held, probes: { ...probes, large: Number.NaN } })).toEqual(['large NaN x']);
  });

  test('is a row of the table', () => {
    const row = { ...held, batch: 12, batchEnded: false, samePids: false, peakMiB: null };
    const quiet = { batchSeconds: 7, probesMs: probes, idleMiB: 200 };
    const run = { date: '', commit: '', machine: '', quick: false, afterSeconds: 30, quiet, rows: [row] };
    expect(textOf(run)).toMatch(
      /^drips +> 12 +3 .* 0 +1 % +ENDED +a process ended, the batch did not end, batch 12 x$/m,
    );
  });
});
