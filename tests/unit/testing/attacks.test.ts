import { expect, test } from 'vitest';
import { attacks, hostileLoad, neighbours } from '../../../testing/attacks/all.ts';
import { createHostile } from '../../../testing/attacks/hostile.ts';

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
