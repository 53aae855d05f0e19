import { expect, onTestFinished, test, vi } from 'vitest';
import { createDecodeQueue, slowDecodeMs } from '../../../../models/pixels/decode-queue.ts';

/** A queue for a CPU with one thread, which decodes two images at a time or as many as a run takes. */
function setUp(nextRun = 1) {
  let time = 0;
  const queue = createDecodeQueue({ provider: 'cpu', threads: 1, nextRun: () => nextRun, now: () => time });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, interactive = false, tenant = 'a', signal?: AbortSignal, isLarge = false) => {
    const run = queue.run({ interactive, tenant, signal }, async ({ takeLargePlace }) => {
      const release = isLarge ? await takeLargePlace?.(signal) : undefined;
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      release?.();
    });
    run.catch(() => {});
    return { run };
  };
  const addLarge = (name: string, interactive: boolean, tenant: string) =>
    add(name, interactive, tenant, undefined, true);
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  const pass = (ms: number) => {
    time += ms;
  };
  return { queue, begun, add, addLarge, end, pass, settle: () => new Promise(setImmediate) };
}

test('images are decoded two at a time, in their order', async () => {
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

test('an interactive image starts at once, and no waiting image starts until it has ended', async () => {
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

test('where there always is an interactive image, what a run takes begins once a second', async () => {
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

test('an image that fails leaves its place to the next', async () => {
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

test('an image that is no longer needed leaves the queue', async () => {
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

test('of batches the next image is that of the tenant with the least use', async () => {
  const { begun, add, end, pass, settle } = setUp();
  for (const name of ['slow 1', 'slow 2', 'slow 3']) add(name, false, 'slow');
  await settle();
  pass(1_000);
  for (const name of ['quick 1', 'quick 2', 'quick 3']) add(name, false, 'quick');
  await settle();
  pass(10);
  await end('quick 1');
  await end('slow 1');
  await end('slow 2');
  for (const name of ['quick 2', 'quick 3']) await end(name);
  expect(begun).toEqual(['slow 1', 'slow 2', 'quick 1', 'quick 2', 'quick 3', 'slow 3']);
});

test('an interactive image of a tenant that has used most of the processor does not hold back the batches of another', async () => {
  const { begun, add, end, pass, settle } = setUp();
  add('single 1', true, 'hostile');
  await settle();
  pass(10_000);
  add('single 2', true, 'hostile');
  for (const name of ['batch 1', 'batch 2']) add(name, false, 'ordinary');
  add('batch of the same', false, 'hostile');
  await settle();
  expect(begun).toEqual(['single 1', 'single 2', 'batch 1', 'batch 2']);
  add('batch 3', false, 'ordinary');
  add('single of the same', true, 'ordinary');
  await end('batch 1');
  await end('batch 2');
  expect(begun.slice(4)).toEqual(['single of the same']);
  await end('single of the same');
  expect(begun.slice(4)).toEqual(['single of the same', 'batch 3']);
});

test('an interactive image that waits for a large place holds back nothing', async () => {
  const { begun, add, addLarge, settle } = setUp();
  for (const name of ['large 1', 'large 2', 'large 3']) addLarge(name, true, 'hostile');
  await settle();
  expect(begun).toEqual(['large 1']);
  for (const name of ['batch 1', 'batch 2', 'batch 3']) add(name, false, 'ordinary');
  add('of the same', false, 'hostile');
  await settle();
  expect(begun).toEqual(['large 1', 'batch 1', 'batch 2', 'of the same']);
});

test('waiting for a large place is not counted as decoding', async () => {
  const { add, addLarge, end, pass, settle } = setUp();
  addLarge('first', false, 'a');
  await settle();
  const second = addLarge('second', false, 'a');
  await settle();
  pass(700);
  await end('first');
  pass(300);
  await end('second');
  expect(await second.run).toMatchObject({ ms: 300 });
  add('small', false, 'a');
  await settle();
});

test('decoding is reported as slow by its own time, without the wait for its turn or for a large-image place', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const queue = createDecodeQueue({ provider: 'cpu', threads: 1, nextRun: () => 1 });
  const slow: string[] = [];
  const end: Record<string, () => void> = {};
  const decode = (name: string, isLarge: boolean) => {
    const caller = { interactive: false, tenant: 'a', onSlowDecode: () => slow.push(name) };
    return queue.run(caller, async ({ takeLargePlace }) => {
      const release = isLarge ? await takeLargePlace?.() : undefined;
      await new Promise<void>((resolve) => {
        end[name] = resolve;
      });
      release?.();
    });
  };
  const runs = [decode('first', true), decode('second', true), decode('small', false)];
  await vi.advanceTimersByTimeAsync(slowDecodeMs - 1);
  end['small']?.();
  expect(slow).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(slow).toEqual(['first']);
  end['first']?.();
  await vi.advanceTimersByTimeAsync(slowDecodeMs);
  expect(slow).toEqual(['first', 'second']);
  end['second']?.();
  await Promise.all(runs);
});
