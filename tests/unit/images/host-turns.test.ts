import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHostTurns } from '../../../images/host-turns.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

const never = new AbortController().signal;
const patienceMs = 20_000;

/** Requests turns without waiting for them; `given` grows as they come. */
function asking(widest: number) {
  const turns = createHostTurns(widest);
  const given: { host: string; turn: Awaited<ReturnType<typeof turns.take>> }[] = [];
  const ask = (host: string, signal = never, caller = 'a') =>
    turns.take(host, caller, patienceMs, signal).then((turn) => given.push({ host, turn }));
  return { turns, given, ask };
}
/** Lets pending promises settle. */
const settle = () => vi.advanceTimersByTimeAsync(0);

test('a host gets a maximum of requests in flight, and the next one when one ends', async () => {
  const { given, ask } = asking(2);
  for (let n = 0; n < 4; n++) void ask('a.test');
  await settle();
  expect(given).toHaveLength(2);
  given[0]?.turn.end();
  await settle();
  expect(given).toHaveLength(3);
});

test('hosts do not wait for each other', async () => {
  const { given, ask } = asking(1);
  for (const host of ['a.test', 'a.test', 'b.test']) void ask(host);
  await settle();
  expect(given.map(({ host }) => host)).toEqual(['a.test', 'b.test']);
});

/** Refuses this many addresses of a.test, one after the other. */
async function refuse({ given, ask }: ReturnType<typeof asking>, count: number, restMs?: number) {
  for (let n = 0; n < count; n++) {
    await ask('a.test');
    given.at(-1)?.turn.refused(`http://a.test/${n}`, restMs);
    given.at(-1)?.turn.end();
  }
}

test('a host that refuses two addresses in a row gets half as many requests, and gradually as many as before', async () => {
  const { given, ask } = asking(4);
  for (let n = 0; n < 40; n++) void ask('a.test');
  await settle();
  expect(given).toHaveLength(4);
  given[0]?.turn.refused('http://a.test/1', undefined);
  given[1]?.turn.refused('http://a.test/2', undefined);
  given[2]?.turn.answered();
  given[3]?.turn.answered();
  for (const { turn } of given.slice(0, 4)) turn.end();
  await settle();
  // Two requests were answered after that: 2, 2.5, 2.9.
  expect(given).toHaveLength(6);
  for (let done = 4; done < 20; done++) {
    given[done]?.turn.answered();
    given[done]?.turn.end();
    await settle();
  }
  expect(given).toHaveLength(24);
});

test('one address that is refused again and again does not slow down other addresses', async () => {
  const { given, ask } = asking(4);
  for (let n = 0; n < 6; n++) {
    await ask('a.test');
    given.at(-1)?.turn.refused('http://a.test/poison', 3_600_000);
    given.at(-1)?.turn.end();
  }
  for (let n = 0; n < 4; n++) void ask('a.test');
  await settle();
  expect(given).toHaveLength(10);
});

test('after three refused addresses in a row, a host gets no request until its back-off is over', async () => {
  const setUp = asking(4);
  const { given, ask } = setUp;
  await refuse(setUp, 3, 3_000);
  void ask('a.test');
  void ask('b.test');
  await vi.advanceTimersByTimeAsync(2_999);
  expect(given.slice(3).map(({ host }) => host)).toEqual(['b.test']);
  await vi.advanceTimersByTimeAsync(1);
  expect(given.slice(3).map(({ host }) => host)).toEqual(['b.test', 'a.test']);
});

test('an answer between refusals prevents the back-off', async () => {
  const setUp = asking(4);
  const { given, ask } = setUp;
  await refuse(setUp, 2, 60_000);
  await ask('a.test');
  given.at(-1)?.turn.answered();
  given.at(-1)?.turn.end();
  await refuse(setUp, 2, 60_000);
  await ask('a.test');
  expect(given).toHaveLength(6);
});

test("refusals of one caller's addresses do not delay other callers", async () => {
  const setUp = asking(4);
  const { given, ask } = setUp;
  await refuse(setUp, 3, 60_000);
  await ask('a.test', never, 'b');
  expect(given).toHaveLength(4);
});

test('an image that cannot wait until its host may be asked again fails without a request', async () => {
  const setUp = asking(4);
  await refuse(setUp, 3, 30_000);
  await expect(setUp.turns.take('a.test', 'a', patienceMs, never)).rejects.toMatchObject({
    code: 'image.fetch.unavailable',
    message: 'a.test asked us to back off; retry in 30 s',
    retryAfter: 30,
  });
});

test('an image that waits for a turn in vain fails without a request', async () => {
  const { ask, turns } = asking(1);
  await ask('a.test');
  const waiting = expect(turns.take('a.test', 'a', patienceMs, never)).rejects.toMatchObject({
    code: 'image.fetch.unavailable',
    message: 'a.test had no free request slot for 20 s',
  });
  await vi.advanceTimersByTimeAsync(patienceMs);
  await waiting;
});

test('a back-off of an hour counts as a minute', async () => {
  const setUp = asking(4);
  await refuse(setUp, 3, 3_600_000);
  await expect(setUp.turns.take('a.test', 'a', patienceMs, never)).rejects.toMatchObject({ retryAfter: 60 });
  await vi.advanceTimersByTimeAsync(60_000);
  await expect(setUp.turns.take('a.test', 'a', patienceMs, never)).resolves.toBeDefined();
});

test("callers do not wait for each other's requests to the same host, and share its turns", async () => {
  const { given, ask } = asking(4);
  const asked: string[] = [];
  for (const caller of ['a', 'a', 'a', 'a', 'a', 'a', 'b', 'b', 'b'])
    void ask('a.test', never, caller).then(() => asked.push(caller));
  await settle();
  expect(asked.toSorted()).toEqual(['a', 'a', 'a', 'a', 'b', 'b']);
  for (const { turn } of given.slice(0, 3)) turn.end();
  await settle();
  // One of the four places is free, and `a` has fewer than its two.
  expect(asked.slice(6)).toEqual(['b', 'a']);
});

test('a caller that leaves the queue gets no turn, and delays no other', async () => {
  const { given, ask } = asking(1);
  const leaving = new AbortController();
  void ask('a.test');
  const left = ask('a.test', leaving.signal);
  void ask('a.test');
  await settle();
  leaving.abort(new Error('the caller left'));
  await expect(left).rejects.toThrow('the caller left');
  given[0]?.turn.end();
  await settle();
  expect(given).toHaveLength(2);
});

test('a signal that is aborted already gets no turn', async () => {
  const { turns } = asking(1);
  const aborted = AbortSignal.abort(new Error('the caller left'));
  await expect(turns.take('a.test', 'a', patienceMs, aborted)).rejects.toThrow('the caller left');
});
