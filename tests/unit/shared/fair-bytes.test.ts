import { expect, test } from 'vitest';
import { createFairBytes } from '../../../shared/fair-bytes.ts';

const create = (patienceMs = 10) =>
  createFairBytes({
    ...{ bytes: 100, guaranteedBytes: 30, hardBytes: 150, unitBytes: 10, patienceMs },
    refusal: () => 'full',
  });

test('a hold has its first unit for nothing, and gives back what it no longer needs', async () => {
  const shared = create();
  const held = shared.hold('a');
  await held.set(10);
  expect(shared.total()).toBe(0);
  await held.set(11);
  expect(shared.total()).toBe(10);
  await held.set(95);
  expect(shared.total()).toBe(90);
  await held.set(30);
  expect(shared.total()).toBe(20);
  held.release();
  expect(shared.total()).toBe(0);
  await held.set(95);
  expect(shared.total()).toBe(0);
});

test('one owner may hold all; another has what is guaranteed, up to the hard limit, and more is refused in time', async () => {
  const shared = create();
  const all = shared.hold('a');
  await all.set(110);
  await expect(shared.hold('a').set(20)).rejects.toMatchObject({ code: 'overloaded', message: 'full' });
  const other = shared.hold('b');
  await other.set(40);
  expect(shared.total()).toBe(130);
  await expect(other.set(50)).rejects.toMatchObject({ code: 'overloaded' });
  await shared.hold('c').set(30);
  expect(shared.total()).toBe(150);
  await expect(shared.hold('d').set(20)).rejects.toMatchObject({ code: 'overloaded' });
});

test('a hold that waits gets bytes as soon as they are given back', async () => {
  const shared = create(60_000);
  const all = shared.hold('a');
  await all.set(110);
  const waiting = shared.hold('a');
  const granted = waiting.set(50);
  all.release();
  await granted;
  expect(shared.total()).toBe(40);
});

test('a hold that is released or aborted while it waits holds nothing', async () => {
  const shared = create(60_000);
  const all = shared.hold('a');
  await all.set(110);
  const released = shared.hold('a');
  const granted = released.set(50);
  released.release();
  const gone = new AbortController();
  const refused = expect(shared.hold('a', gone.signal).set(50)).rejects.toThrow('gone');
  gone.abort(new Error('gone'));
  await refused;
  all.release();
  await granted;
  expect(shared.total()).toBe(0);
});
