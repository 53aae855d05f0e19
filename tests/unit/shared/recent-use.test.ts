import { expect, test } from 'vitest';
import { createRecentUse } from '../../../shared/recent-use.ts';

function setUp(halfLifeMs = 1_000) {
  let time = 0;
  const use = createRecentUse(halfLifeMs, () => time);
  const pass = (milliseconds: number) => {
    time += milliseconds;
  };
  return { use, pass };
}

test('a use counts half after the half-life', () => {
  const { use, pass } = setUp();
  const end = use.begin('a');
  pass(100);
  end();
  end();
  expect(use.of('a')).toBeCloseTo(100);
  pass(1_000);
  expect(use.of('a')).toBeCloseTo(50);
  use.charge('a', 10);
  expect(use.of('a')).toBeCloseTo(60);
  expect(use.of('b')).toBe(0);
});

test('a use in progress counts as long as earlier ones took, and longer when it takes longer', () => {
  const { use, pass } = setUp(1e9);
  const first = use.begin('a');
  pass(100);
  first();
  use.begin('a');
  use.begin('a');
  expect(use.of('a')).toBeCloseTo(300);
  pass(50);
  expect(use.of('a')).toBeCloseTo(300);
  pass(100);
  expect(use.of('a')).toBeCloseTo(400);
  // The first one of another tenant counts as those of others do.
  use.begin('b');
  expect(use.of('b')).toBeCloseTo(100);
});

test('a place that is always in use is a share of 1, for any tenants', () => {
  const { use, pass } = setUp();
  for (let second = 0; second < 200; second++) {
    const end = use.begin(second % 2 === 0 ? 'a' : 'b');
    pass(100);
    end();
  }
  expect(use.others('c').tenants).toBe(2);
  expect(use.others('c').share).toBeCloseTo(1, 1);
  expect(use.others('a').share).toBeCloseTo(0.5, 1);
  pass(60_000);
  expect(use.others('c')).toEqual({ tenants: 0, share: 0 });
});

test('tenants whose use is long ago are forgotten', () => {
  const { use, pass } = setUp();
  for (let tenant = 0; tenant < 10_000; tenant++) {
    use.charge(`tenant ${tenant}`, 100);
    pass(100);
  }
  expect(use.others('none').tenants).toBeLessThan(100);
});
