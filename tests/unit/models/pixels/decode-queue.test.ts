import { expect, test } from 'vitest';
import { createDecodeQueue } from '../../../../models/pixels/decode-queue.ts';

/** A queue for a CPU with one thread, which decodes two pictures at a time or as many as a run takes. */
function setUp(nextRun = 1) {
  let time = 0;
  const queue = createDecodeQueue(
    'cpu',
    1,
    () => nextRun,
    () => time,
  );
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, interactive = false, tenant = 'a', signal?: AbortSignal) => {
    const run = queue.run({ interactive, tenant, signal }, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
    });
    run.catch(() => {});
    return { run };
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  const pass = (ms: number) => {
    time += ms;
  };
  return { queue, begun, add, end, pass, settle: () => new Promise(setImmediate) };
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

test('as many are decoded at a time as the next run takes', async () => {
  const { begun, add, settle } = setUp(3);
  for (const name of ['a', 'b', 'c', 'd']) add(name);
  await settle();
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('an interactive picture begins at once, and none of those that wait begins beside it', async () => {
  const { begun, add, end, settle } = setUp();
  for (const name of ['a', 'b', 'c', 'd']) add(name);
  await settle();
  add('now', true);
  await settle();
  expect(begun).toEqual(['a', 'b', 'now']);
  await end('a');
  await end('b');
  expect(begun).toEqual(['a', 'b', 'now']);
  await end('now');
  expect(begun).toEqual(['a', 'b', 'now', 'c', 'd']);
});

test('where there always is an interactive picture, what a run takes begins once a second', async () => {
  const { begun, add, end, pass, settle } = setUp(3);
  add('now 0', true);
  for (const name of ['a', 'b', 'c', 'd']) add(name);
  await settle();
  for (let second = 0; second < 2; second++) {
    const before = begun.length;
    for (let tenth = 1; tenth <= 10; tenth++) {
      const at = 10 * second + tenth;
      expect(begun.slice(before).filter((name) => !name.startsWith('now'))).toEqual([]);
      pass(100);
      add(`now ${at}`, true);
      await settle();
      await end(`now ${at - 1}`);
    }
    expect(begun.slice(before).filter((name) => !name.startsWith('now'))).toEqual([['a', 'b', 'c'], ['d']][second]);
  }
});

test('a picture that fails leaves its place to the next', async () => {
  const { queue } = setUp();
  await expect(queue.run({ interactive: false }, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(queue.isBusy()).toBe(false);
  expect((await queue.run({ interactive: false }, async () => 7)).value).toBe(7);
});

test('a tenant without an image in decoding begins one, though another holds all places', async () => {
  const { begun, add, end, settle } = setUp();
  for (const name of ['a1', 'a2', 'a3']) add(name);
  for (const name of ['b1', 'b2']) add(name, false, 'b');
  await settle();
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  await end('a1');
  await end('a2');
  // Two are decoded at a time: next the tenant with the fewest.
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3']);
  await end('b1');
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3', 'b2']);
});

test('an image that nobody needs any more leaves the queue', async () => {
  const { begun, add, end, settle } = setUp();
  const abort = new AbortController();
  for (const name of ['a', 'b']) add(name);
  const left = add('left', false, 'a', abort.signal);
  add('c');
  await settle();
  abort.abort(new Error('cancelled'));
  await expect(left.run).rejects.toThrow('cancelled');
  await end('a');
  expect(begun).toEqual(['a', 'b', 'c']);
});
