import { expect, test } from 'vitest';
import { createTaskQueue } from '../../../../models/pool/task-queue.ts';

interface Task {
  tenant: string;
  name: string;
}
const task = (tenant: string, name: string): Task => ({ tenant, name });

/** Takes all tasks in their order; those in `ended` leave their encoder at once. */
function takeAll(queue: ReturnType<typeof createTaskQueue<Task>>): string[] {
  const order: string[] = [];
  for (;;) {
    const [next] = queue.candidates();
    if (next === undefined) return order;
    queue.remove(next);
    queue.hold(next.tenant, 1);
    order.push(next.name);
  }
}

test('the next task is of the tenant with the fewest in flight, and inside a tenant the oldest', () => {
  const queue = createTaskQueue<Task>();
  for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(task('a', name));
  queue.hold('a', 1);
  for (const name of ['b1', 'b2']) queue.add(task('b', name));
  expect(takeAll(queue)).toEqual(['b1', 'a1', 'b2', 'a2', 'a3', 'a4']);
});

test('a task that leaves is not taken, and nothing of its tenant stays', () => {
  const queue = createTaskQueue<Task>();
  const left = task('a', 'left');
  queue.add(left);
  expect(queue.remove(left)).toBe(true);
  expect(queue.remove(left)).toBe(false);
  expect(queue.size).toBe(0);
  expect(takeAll(queue)).toEqual([]);
});

test('the longest queue loses its newest task', () => {
  const queue = createTaskQueue<Task>();
  for (const name of ['a1', 'a2', 'a3']) queue.add(task('a', name));
  queue.add(task('b', 'b1'));
  expect(queue.isLongest('a')).toBe(true);
  expect(queue.isLongest('b')).toBe(false);
  expect(queue.removeNewestOfLongest()?.name).toBe('a3');
});
