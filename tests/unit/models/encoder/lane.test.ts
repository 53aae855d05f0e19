import { describe, expect, test } from 'vitest';
import { createLane } from '../../../../models/encoder/lane.ts';

/** A lane over a tower that takes `fixedMs` a run and `eachMs` an input, in time of its own. */
function laneOf(size: number, fixedMs: number, eachMs: number) {
  const sizes: number[] = [];
  let time = 0;
  const lane = createLane<number>({
    size,
    now: () => time,
    encode: async (inputs) => {
      sizes.push(inputs.length);
      time += fixedMs + eachMs * inputs.length;
      return inputs.map((input) => Float32Array.of(input));
    },
  });
  return { lane, sizes, pass: (ms: number) => (time += ms) };
}

describe('a batch run', () => {
  test('takes as much as allowed while no interactive request waits', async () => {
    const { lane, sizes } = laneOf(8, 5, 10);
    const all = Array.from({ length: 20 }, (_, at) => lane.add(at, false));
    while (lane.since() !== undefined) await lane.runNext();
    await Promise.all(all);
    expect(sizes).toEqual([8, 8, 4]);
  });

  test('takes less than two and a half single runs after a recent interactive request', async () => {
    const { lane, sizes, pass } = laneOf(8, 5, 10);
    const run = async (count: number, interactive: boolean) => {
      const all = Array.from({ length: count }, (_, at) => lane.add(at, interactive));
      while (lane.hasInteractive() || lane.since() !== undefined) await lane.runNext();
      await Promise.all(all);
    };
    await run(8, false);
    await run(1, true);
    sizes.length = 0;
    await run(9, false);
    // A single one takes 15 ms, so that 37.5 are allowed; in company an input costs 10.6.
    expect(sizes).toEqual([3, 3, 3]);
    pass(30_001);
    sizes.length = 0;
    await run(8, false);
    expect(sizes).toEqual([8]);
  });

  test('is as large as it may be where a larger one takes no longer, though short ones came before', async () => {
    // As on a GPU: a run takes 2 ms, whatever it is over.
    const { lane, sizes } = laneOf(64, 2, 0.05);
    const run = async (count: number, interactive: boolean) => {
      const all = Array.from({ length: count }, (_, at) => lane.add(at, interactive));
      while (lane.hasInteractive() || lane.since() !== undefined) await lane.runNext();
      await Promise.all(all);
    };
    await run(1, true);
    for (let short = 0; short < 10; short++) await run(2, false);
    sizes.length = 0;
    await run(60, false);
    expect(sizes).toEqual([60]);
  });

  test('has at least one input, however slow the tower is', async () => {
    const { lane, sizes } = laneOf(4, 0, 1_000);
    await Promise.all([lane.add(1, true), lane.runNext()]);
    sizes.length = 0;
    const all = [lane.add(1, false), lane.add(2, false)];
    while (lane.since() !== undefined) await lane.runNext();
    await Promise.all(all);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2);
  });
});

test('interactive inputs run before all others, and not with them', async () => {
  const { lane } = laneOf(8, 1, 1);
  const order: string[] = [];
  const add = (name: string, interactive: boolean) => lane.add(0, interactive).then(() => order.push(name));
  const all = [add('batch', false), add('single', true)];
  await lane.runNext();
  await Promise.resolve();
  expect(order).toEqual(['single']);
  await lane.runNext();
  await Promise.all(all);
});

test('a batch run takes inputs of the tenants in turn, first of the one with the least use', async () => {
  const runs: string[][] = [];
  let time = 0;
  const lane = createLane<string>({
    size: 3,
    now: () => time,
    encode: async (inputs) => {
      runs.push(inputs);
      time += 30;
      return inputs.map(() => Float32Array.of(1));
    },
  });
  const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => lane.add(name, false, 'a'));
  await lane.runNext();
  for (const name of ['b1', 'b2']) all.push(lane.add(name, false, 'b'));
  expect(lane.tenants('batch')).toEqual(['a', 'a', 'a', 'b', 'b']);
  while (lane.since() !== undefined) await lane.runNext();
  await Promise.all(all);
  expect(runs).toEqual([
    ['a1', 'a2', 'a3'],
    ['b1', 'a4', 'b2'],
    ['a5', 'a6'],
  ]);
});

test('batch inputs run before interactive ones when the caller says so', async () => {
  const { lane } = laneOf(8, 1, 1);
  const all = [lane.add(1, true), lane.add(2, false)];
  expect(await lane.runNext(true)).toBe('batch');
  expect(await lane.runNext(true)).toBe('interactive');
  await Promise.all(all);
});
