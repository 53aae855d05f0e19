import { expect, test } from 'vitest';
import { createDecodeQueue } from '../../../../models/evaluator/decode-queue.ts';

/** A queue for a CPU with one thread, which decodes two pictures at a time; each lasts until the test ends it. */
function setUp() {
  const queue = createDecodeQueue('cpu', 1);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, interactive = false) => {
    void queue.run(interactive, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
    });
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { queue, begun, add, end, settle: () => new Promise(setImmediate) };
}

test('pictures are decoded two at a time, in their order', async () => {
  const { begun, add, end, settle, queue } = setUp();
  for (const name of ['a', 'b', 'c', 'd']) add(name);
  await settle();
  expect(begun).toEqual(['a', 'b']);
  expect(queue.isBusy()).toBe(true);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  for (const name of ['a', 'c', 'd']) await end(name);
  expect(queue.isBusy()).toBe(false);
});

test('an interactive picture goes before those that wait, and none of them begins beside it', async () => {
  const { begun, add, end, settle } = setUp();
  for (const name of ['a', 'b', 'c', 'd']) add(name);
  add('now', true);
  await settle();
  await end('a');
  expect(begun).toEqual(['a', 'b', 'now']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'now']);
  await end('now');
  expect(begun).toEqual(['a', 'b', 'now', 'c', 'd']);
});

test('a picture that fails leaves its place to the next', async () => {
  const { queue } = setUp();
  await expect(queue.run(false, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(queue.isBusy()).toBe(false);
  expect((await queue.run(false, async () => 7)).value).toBe(7);
});
