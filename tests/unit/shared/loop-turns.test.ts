import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLoopTurns } from '../../../shared/loop-turns.ts';

test('other work runs between two steps, also after one that failed', async () => {
  const turn = createLoopTurns();
  const order: string[] = [];
  const steps = ['a', 'b', 'c'].map((name) =>
    turn(() => {
      order.push(name);
      if (name === 'a') throw new Error('a failed');
      return name;
    }),
  );
  const settled = Promise.allSettled(steps);
  for (let count = 0; order.length < 5 && count < 20; count++) {
    await setImmediate();
    order.push('other');
  }
  expect(order.join(' ')).not.toMatch(/[abc] [abc]/);
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});
