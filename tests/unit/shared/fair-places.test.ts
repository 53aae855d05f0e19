import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFairPlaces } from '../../../shared/fair-places.ts';

/** Takes a place and notes the order in which callers got theirs. */
function recorder(places: ReturnType<typeof createFairPlaces>) {
  const order: string[] = [];
  const releases = new Map<string, () => void>();
  const take = (tenant: string, name: string, signal?: AbortSignal) =>
    places.take(tenant, signal).then((release) => {
      order.push(name);
      releases.set(name, release);
    });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { order, take, release: (name: string) => releases.get(name)?.(), settle };
}

test('one tenant alone takes all places', async () => {
  const places = createFairPlaces({ places: 3 });
  await Promise.all([places.take('a'), places.take('a'), places.take('a')]);
  expect(places.total()).toEqual({ held: 3, waiting: 0 });
});

test('of tenants with equal use the next place goes to the one that holds the fewest', async () => {
  const places = createFairPlaces({ places: 2, now: () => 0 });
  const { order, take, release, settle } = recorder(places);
  await take('many', 'm1');
  await take('many', 'm2');
  const waiting = [take('many', 'm3'), take('many', 'm4'), take('few', 'f1'), take('few', 'f2')];
  release('m1');
  await settle();
  expect(order).toEqual(['m1', 'm2', 'f1']);
  release('m2');
  await settle();
  expect(order).toEqual(['m1', 'm2', 'f1', 'm3']);
  release('m3');
  release('f1');
  await Promise.all(waiting);
  expect(order.slice(4).sort()).toEqual(['f2', 'm4']);
});

test('the next place goes to the tenant that has held places for the shortest time recently', async () => {
  let time = 0;
  const places = createFairPlaces({ places: 1, now: () => time });
  const { order, take, release, settle } = recorder(places);
  const waiting = [take('slow', 's1'), take('slow', 's2'), take('slow', 's3')];
  for (const name of ['q1', 'q2', 'q3', 'q4', 'q5']) waiting.push(take('quick', name));
  for (const [name, milliseconds] of Object.entries({ s1: 1_000, q1: 300, q2: 300, q3: 300, q4: 300, s2: 1_000 })) {
    await settle();
    expect(order.at(-1)).toBe(name);
    time += milliseconds;
    release(name);
  }
  await settle();
  expect(order.at(-1)).toBe('q5');
  release('q5');
  await settle();
  release('s3');
  await Promise.all(waiting);
});

test('a tenant with long uses does not begin many before the first has ended', async () => {
  let time = 0;
  const places = createFairPlaces({ places: 4, now: () => time });
  const { order, take, release, settle } = recorder(places);
  await take('slow', 's0');
  time += 1_000;
  release('s0');
  for (const name of ['q1', 'q2', 'q3', 'q4']) await take('quick', name);
  for (let number = 1; number <= 4; number++) {
    void take('slow', `s${number}`);
    void take('quick', `q${number + 4}`);
  }
  time += 300;
  // The four quick ones took 1,200 ms together: the slow tenant begins one, which counts as long as its first one took.
  for (const name of ['q1', 'q2', 'q3', 'q4']) release(name);
  await settle();
  expect(order.slice(-4)).toEqual(['s1', 'q5', 'q6', 'q7']);
});

test('a tenant below its guaranteed places does not wait for others, up to the hard limit', async () => {
  const places = createFairPlaces({ places: 2, guaranteed: 1, hardLimit: 3 });
  await places.take('slow');
  await places.take('slow');
  await places.take('b');
  expect(places.total()).toEqual({ held: 3, waiting: 0 });
  void places.take('c');
  void places.take('b');
  expect(places.total()).toEqual({ held: 3, waiting: 2 });
});

test('an aborted caller leaves the queue, and its place goes to the next', async () => {
  const places = createFairPlaces({ places: 1 });
  const release = await places.take('a');
  const gone = new AbortController();
  const first = places.take('b', gone.signal);
  const second = places.take('b');
  gone.abort(new Error('client left'));
  await expect(first).rejects.toThrow('client left');
  release();
  release();
  await second;
  expect(places.total()).toEqual({ held: 1, waiting: 0 });
  await expect(places.take('a', gone.signal)).rejects.toThrow('client left');
});

test('the longest queue loses its newest caller when too many wait', async () => {
  const places = createFairPlaces({ places: 1, maxWaiting: 3 });
  await places.take('hostile');
  const [oldest, middle, newest] = [places.take('hostile'), places.take('hostile'), places.take('hostile')];
  await expect(places.take('hostile')).rejects.toMatchObject({ code: 'overloaded' });
  const ordinary = places.take('ordinary');
  await expect(newest).rejects.toMatchObject({ code: 'overloaded' });
  expect([places.waiting('hostile'), places.waiting('ordinary')]).toEqual([2, 1]);
  places.close(new Error('stopped'));
  for (const caller of [oldest, middle, ordinary]) await expect(caller).rejects.toThrow('stopped');
  await expect(places.take('ordinary')).rejects.toThrow('stopped');
});

test('places never exceed their limit, no caller is lost, and nothing of a tenant without callers remains', async () => {
  const step = fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), act: fc.constantFrom('take', 'release', 'abort') });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const places = createFairPlaces({ places: 2, guaranteed: 1, hardLimit: 4 });
      const held: (() => void)[] = [];
      const aborts: AbortController[] = [];
      let ended = 0;
      let asked = 0;
      for (const { tenant, act } of steps) {
        if (act === 'take') {
          const abort = new AbortController();
          aborts.push(abort);
          asked++;
          places.take(tenant, abort.signal).then(
            (release) => held.push(release),
            () => ended++,
          );
        } else if (act === 'release') {
          const release = held.shift();
          if (release) ended++;
          release?.();
        } else aborts.shift()?.abort(new Error('aborted'));
        await Promise.resolve();
        expect(places.total().held).toBeLessThanOrEqual(4);
      }
      while (ended < asked) {
        await new Promise((resolve) => setImmediate(resolve));
        for (const release of held.splice(0)) {
          ended++;
          release();
        }
      }
      expect(places.total()).toEqual({ held: 0, waiting: 0 });
      expect([places.held('a'), places.waiting('b')]).toEqual([0, 0]);
    }),
  );
});
