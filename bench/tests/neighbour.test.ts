import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { attacks, hostileLoad, neighbours } from '../../testing/attacks/all.ts';
import { createHostile } from '../../testing/attacks/hostile.ts';
import { renewed } from '../neighbour/page.ts';
import { missesOf, type NeighbourRun, pageOf, type Row } from '../neighbour/report.ts';

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
const runOf = (rows: Row[]): NeighbourRun => ({
  format: 1,
  date: '2027-01-02T03:04:05.000Z',
  commit: 'abc1234',
  machine: '2 x CPU',
  quick: false,
  afterSeconds: 30,
  quiet: { batchSeconds: 7, probesMs: probes, idleMiB: 200 },
  rows,
});

describe('an attack beside a neighbour', () => {
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

  test('is a row of the page with both runs in each cell', () => {
    const before: Row = { ...held, batch: 12, batchEnded: false, samePids: false, peakMiB: null, afterMiB: null };
    expect(pageOf(runOf([before]), runOf([held]))).toContain(
      '| `drips`: bodies that drip | > 12 → 2 | 3 → 3 | 0 → 0 | ended → +500, 0 | yes → no |',
    );
  });
});

test('the table of the page is what the recorded runs come to', () => {
  expect(renewed()).toBe(readFileSync(new URL('../../docs/benchmarks.md', import.meta.url), 'utf8'));
});

test('each attack has a name of its own, and the hostile load names attacks', () => {
  const names = attacks.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect([...neighbours, ...hostileLoad].toSorted()).toEqual(names.toSorted());
});

test('a tenant that attacks keeps to its bounds, and stops when it is asked to', async () => {
  const field = {
    base: 'http://127.0.0.1:9',
    key: 'none',
    folder: '',
    hosts: { healthy: '', slow: [], silent: [], dead: [] },
  };
  const controller = new AbortController();
  const { hostile } = createHostile(field, controller.signal, Math.random);
  const { promise: freed, resolve: free } = Promise.withResolvers<void>();
  const third = Promise.withResolvers<void>();
  let acts = 0;
  const attack = hostile.every(1_000, { atOnce: 2, most: 3 }, async () => {
    if (++acts === 3) third.resolve();
    if (acts <= 2) setTimeout(free, 50);
    expect(acts).toBeLessThanOrEqual(3);
    await freed;
  });
  await third.promise;
  expect(acts).toBe(3);
  controller.abort();
  await attack;
  expect(acts).toBe(3);
});
