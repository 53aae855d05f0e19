import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLargePlaces } from '../../../../models/pixels/large-places.ts';
import { createProcessorUse } from '../../../../models/processor-use.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
});

function setUp() {
  const use = createProcessorUse(5_000);
  const work = { isOfOthers: false };
  const places = createLargePlaces({ use, isContested: () => work.isOfOthers });
  const begun: string[] = [];
  const releases = new Map<string, () => void>();
  /** Its name begins with `single` or `batch`. */
  const add = (name: string, tenant: string, signal?: AbortSignal) => {
    const taken = places.take({ interactive: name.startsWith('single'), tenant, signal }).then((release) => {
      begun.push(name);
      releases.set(name, release);
    });
    taken.catch(() => {});
    return taken;
  };
  const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
  const end = async (name: string, after = 0) => {
    await pass(after);
    releases.get(name)?.();
    await pass(0);
  };
  return { use, work, places, begun, add, pass, end };
}

describe('a tenant alone', () => {
  test('decodes one image of its batches and one of its requests at a time, without a rest', async () => {
    const { places, begun, add, pass, end } = setUp();
    for (const name of ['batch 1', 'batch 2', 'single 1', 'single 2']) void add(name, 'a');
    await pass(0);
    expect(begun).toEqual(['batch 1', 'single 1']);
    await end('batch 1', 1_500);
    await end('single 1');
    expect(begun).toEqual(['batch 1', 'single 1', 'batch 2', 'single 2']);
    expect(places.isBusy()).toBe(true);
    await end('batch 2');
    await end('single 2');
    expect(places.isBusy()).toBe(false);
  });
});

describe('while others have work', () => {
  test('a tenant decodes one large image at a time, requests and batches in turn', async () => {
    const { work, begun, add, pass, end } = setUp();
    work.isOfOthers = true;
    for (const name of ['batch 1', 'batch 2', 'single 1', 'single 2']) void add(name, 'a');
    await pass(0);
    expect(begun).toEqual(['batch 1']);
    for (const name of ['batch 1', 'single 1', 'batch 2']) {
      await end(name, 1_000);
      await pass(2_000);
    }
    expect(begun).toEqual(['batch 1', 'single 1', 'batch 2', 'single 2']);
  });

  test('it rests as long as its image took when the others need the processor', async () => {
    const { use, work, begun, add, pass, end } = setUp();
    work.isOfOthers = true;
    void add('batch 1', 'a');
    void add('batch 2', 'a');
    use.all.begin('b');
    await pass(20_000);
    await end('batch 1');
    await pass(19_900);
    expect(begun).toEqual(['batch 1']);
    await pass(200);
    expect(begun).toEqual(['batch 1', 'batch 2']);
  });

  test('it hardly rests when they need little', async () => {
    const { use, work, begun, add, pass, end } = setUp();
    work.isOfOthers = true;
    void add('batch 1', 'a');
    void add('batch 2', 'a');
    await pass(1_000);
    // A fiftieth of the time.
    for (let second = 0; second < 20; second++) {
      use.all.charge('b', 20);
      await pass(1_000);
    }
    await end('batch 1', 0);
    await pass(2_000);
    expect(begun).toEqual(['batch 1', 'batch 2']);
  });

  test('it continues without a rest once they have none', async () => {
    const { use, work, begun, add, pass, end } = setUp();
    work.isOfOthers = true;
    void add('batch 1', 'a');
    void add('batch 2', 'a');
    use.all.begin('b');
    await end('batch 1', 10_000);
    work.isOfOthers = false;
    await pass(300);
    expect(begun).toEqual(['batch 1', 'batch 2']);
  });

  test('a second tenant decodes an interactive image at once, and is first when a place becomes free', async () => {
    const { begun, add, pass, end } = setUp();
    for (const name of ['single 1', 'batch 1', 'batch 2', 'single 2']) void add(name, 'hostile');
    await pass(1_000);
    void add('single of another', 'ordinary');
    void add('batch of another', 'ordinary');
    await pass(0);
    expect(begun).toEqual(['single 1', 'batch 1', 'single of another']);
    await end('single of another', 10);
    await end('batch 1', 10);
    expect(begun).toEqual(['single 1', 'batch 1', 'single of another', 'batch of another']);
  });
});

test('an image that is no longer needed leaves', async () => {
  const { places, add, pass, end } = setUp();
  const gone = new AbortController();
  void add('batch 1', 'a');
  const left = add('batch 2', 'a', gone.signal);
  await pass(0);
  gone.abort(new Error('cancelled'));
  await expect(left).rejects.toThrow('cancelled');
  await end('batch 1');
  expect(places.isBusy()).toBe(false);
  await expect(add('batch 3', 'a', gone.signal)).rejects.toThrow('cancelled');
});
