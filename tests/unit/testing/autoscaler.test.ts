import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, type Memory, noMemory, type Rule } from '../../../testing/scaling/autoscaler.ts';
import { demand, horizons } from '../../../testing/scaling/demand.ts';
import { readRule } from '../../../testing/scaling/manifest.ts';
import { readScrape, signalsOf } from '../../../testing/scaling/scrape.ts';
import { runsOf, turnsOf } from '../../../testing/scaling/turns.ts';
import { idealised } from '../../support/idealised-workers.ts';

const rule: Rule = { ...readRule('fast'), itemsPerSecondOfWorker: 200 };

/** The numbers after each of these demands, 15 s apart. */
function numbersAfter(demands: readonly number[], replicas: number, of: Rule = rule): number[] {
  let memory: Memory = noMemory;
  let number = replicas;
  return demands.map((demanded, at) => {
    const decision = decide(of, memory, at * 15, demanded, number);
    ({ memory } = decision);
    number = decision.replicas;
    return number;
  });
}

describe('the demand', () => {
  const horizon = { startUpSeconds: 30, targetSeconds: 60 };

  test('is what arrives, while the workers keep up', () => {
    expect(demand({ postedPerSecond: 500, pending: 0, growthPerSecond: 0 }, horizon)).toBe(500);
  });

  test('has what waits done within the target', () => {
    expect(demand({ postedPerSecond: 500, pending: 6_000, growthPerSecond: 0 }, horizon)).toBe(600);
  });

  test('reckons with what will have piled up, or be gone, when a new worker takes its first chunk', () => {
    expect(demand({ postedPerSecond: 1_000, pending: 0, growthPerSecond: 600 }, horizon)).toBe(1_300);
    expect(demand({ postedPerSecond: 100, pending: 6_000, growthPerSecond: -300 }, horizon)).toBe(100);
  });

  test('is above zero for whatever waits, and zero where nothing does', () => {
    expect(demand({ postedPerSecond: 0, pending: 1, growthPerSecond: 0 }, horizon)).toBeGreaterThan(0);
    expect(demand({ postedPerSecond: 0, pending: 0, growthPerSecond: 0 }, horizon)).toBe(0);
  });
});

describe('the autoscaler', () => {
  test('orders as many as the demand needs, rounded up', () => {
    expect(numbersAfter([1_201], 4)).toEqual([7]);
  });

  test('leaves the number while the demand is within a tenth of what it stands for', () => {
    expect(numbersAfter([1_099, 901], 5)).toEqual([5, 5]);
    expect(numbersAfter([1_101], 5)).toEqual([6]);
  });

  test('at most doubles the number every 15 s, or adds four, and ends at the most there may be', () => {
    expect(numbersAfter([9_000, 9_000, 9_000, 9_000], 2)).toEqual([6, 12, 20, 20]);
  });

  test('goes down only to the most that was wanted in five minutes, and by a quarter a minute', () => {
    const low = Array.from({ length: 29 }, () => 100);
    const numbers = numbersAfter([2_000, ...low], 10);
    expect(numbers.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 10));
    expect(runsOf(numbers)).toEqual([10, 7, 5, 3]);
  });

  test('takes the number that it finds for wanted, so its own restart ends no worker', () => {
    expect(numbersAfter([0, 0], 8)).toEqual([8, 8]);
  });

  test('keeps the fewest there may be, and starts from none as soon as something is wanted', () => {
    expect(
      numbersAfter(
        Array.from({ length: 60 }, () => 0),
        1,
      ),
    ).toContain(1);
    const fromNone = { ...rule, minReplicas: 0 };
    expect(numbersAfter([0, 9_000, 9_000], 0, fromNone)).toEqual([0, 1, 5]);
  });

  test('ends the last worker when nothing was wanted for the cooldown', () => {
    const demands = [100, ...Array.from({ length: 20 }, () => 0)];
    const numbers = numbersAfter(demands, 1, { ...rule, minReplicas: 0 });
    expect(numbers.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 1));
    expect(numbers[20]).toBe(0);
  });
});

describe('both together, over idealised workers', () => {
  const run = (load: (at: number) => number, workers: number, seconds: number, asked = rule.itemsPerSecondOfWorker) =>
    idealised({ rule: { ...rule, itemsPerSecondOfWorker: asked }, horizon: horizons.cpu, load, workers, seconds });

  test('settle under any steady load and then leave the number alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_900 }), fc.integer({ min: 1, max: 20 }), (load, workers) => {
        const { numbers, backlog } = run(() => load, workers, 3_600);
        const settled = numbers.slice(1_800);
        expect(new Set(settled).size).toBe(1);
        expect(settled[0]).toBeGreaterThanOrEqual(load / 250);
        expect(Math.max(...backlog.slice(1_800))).toBeLessThan(horizons.cpu.targetSeconds);
        expect(turnsOf(numbers)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 40 },
    );
  });

  test('bring the backlog of a tenfold burst under its target, and turn once', () => {
    const { numbers, backlog } = run((at) => (at >= 300 && at < 600 ? 3_000 : 300), 2, 1_800);
    expect(backlog.filter((seconds) => seconds > horizons.cpu.targetSeconds).length).toBeLessThan(120);
    expect(backlog.at(599)).toBeLessThan(horizons.cpu.targetSeconds);
    expect(turnsOf(numbers)).toBe(1);
    expect(numbers.at(-1)).toBe(2);
  });

  test('order no worker when the load ends, and none twice', () => {
    const { numbers } = run((at) => (at < 1_800 ? 1_500 : 0), 6, 3_600);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(9);
    expect(numbers[1_799]).toBe(8);
    expect(Math.max(...numbers.slice(1_800))).toBe(8);
    expect(turnsOf(numbers)).toBe(1);
  });

  test('find enough workers on GPUs whose nodes take five minutes to come, and begin with none', () => {
    const load = (at: number) => (at >= 600 && at < 6_000 ? 1_500 : 0);
    const onGpus = { ...rule, minReplicas: 0, maxReplicas: 12, cooldownSeconds: 900 };
    const options = { rule: onGpus, horizon: horizons.gpu, load, workers: 0, seconds: 9_000, startSeconds: 300 };
    const { numbers, backlog } = idealised(options);
    expect(numbers[599]).toBe(0);
    expect(turnsOf(numbers)).toBe(1);
    expect(Math.max(...backlog.slice(2_400))).toBeLessThan(horizons.gpu.targetSeconds);
    expect(numbers.at(-1)).toBe(0);
  });

  test('find enough workers although each does half of what it was taken for', () => {
    const { numbers, backlog } = run(() => 1_500, 5, 3_600, 500);
    expect(numbers.at(-1)).toBeGreaterThanOrEqual(6);
    expect(Math.max(...backlog.slice(1_800))).toBeLessThan(2 * horizons.cpu.targetSeconds);
  });

  test('swing for ever when only the backlog is asked, since there is none while the workers keep up', () => {
    let memory = noMemory;
    const options = { rule, horizon: horizons.cpu, load: () => 1_500, workers: 7, seconds: 7_200 };
    const { numbers } = idealised({
      ...options,
      look(at, { backlogSeconds, ready }, replicas) {
        // A metric of type Value is compared with its threshold, and multiplies the workers that are ready.
        const wanted = Math.ceil((ready * backlogSeconds) / 60) * rule.itemsPerSecondOfWorker;
        const decision = decide(rule, memory, at, wanted, replicas);
        ({ memory } = decision);
        return decision.replicas;
      },
    });
    expect(turnsOf(numbers)).toBeGreaterThan(5);
  });
});

describe('what is scraped', () => {
  const page = [
    'vls_items_posted_total{queue="compact",profile="compact"} 100',
    'vls_items_posted_total{profile="compact-1",queue="compact"} 20',
    'vls_items_posted_total{queue="fast",profile="fast"} 7',
    'vls_items_pending{queue="compact",profile="compact"} 15',
    'vls_items_pending{queue="compact",profile="compact-1"} 5',
    'vls_items_per_second{queue="compact"} 2.5',
    'vls_backlog_seconds{queue="compact"} 8',
  ].join('\n');

  test('is read from the page of metrics, or missed', () => {
    const expected = { at: 15, posted: 120, pending: 20, itemsPerSecond: 2.5, backlogSeconds: 8 };
    expect(readScrape(page, 'compact', 15)).toEqual(expected);
    expect(() => readScrape(page, 'fast', 15)).toThrow('no vls_items_pending for the queue fast');
  });

  test('gives arrivals and growth of the window, and what waits at last', () => {
    const scrape = readScrape(page, 'compact', 0);
    const at = (seconds: number, posted: number, pending: number) => ({ ...scrape, at: seconds, posted, pending });
    const scrapes = [at(0, 0, 900), at(60, 6_000, 100), at(90, 6_000, 160), at(120, 9_000, 220)];
    expect(signalsOf(scrapes, 120)).toEqual({ postedPerSecond: 50, pending: 220, growthPerSecond: 2 });
    expect(signalsOf(scrapes.slice(0, 1), 120)).toEqual({ postedPerSecond: 0, pending: 900, growthPerSecond: 0 });
  });
});

test('turns are counted where rising becomes falling, and not where the number stays', () => {
  expect(turnsOf([2, 2, 6, 6, 12, 20, 20])).toBe(0);
  expect(turnsOf([2, 6, 6, 4, 4, 2])).toBe(1);
  expect(turnsOf([2, 3, 2, 3])).toBe(2);
  expect(runsOf([2, 2, 3, 3, 2])).toEqual([2, 3, 2]);
});
