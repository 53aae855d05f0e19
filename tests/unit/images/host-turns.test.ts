import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHostTurns } from '../../../images/host-turns.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

const never = new AbortController().signal;
const patienceMs = 20_000;

/** Asks for turns without waiting for them; `given` grows as they come. */
function asking(widest: number) {
  const turns = createHostTurns(widest);
  const given: { host: string; turn: Awaited<ReturnType<typeof turns.take>> }[] = [];
  const ask = (host: string, signal = never) =>
    turns.take(host, patienceMs, signal).then((turn) => given.push({ host, turn }));
  return { turns, given, ask };
}
/** Lets promises that are due settle. */
const settle = () => vi.advanceTimersByTimeAsync(0);

test('a host gets so many requests at a time, and the next when one has ended', async () => {
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

test('a host that is overrun gets half as many, and by and by as many as before', async () => {
  const { given, ask } = asking(4);
  for (let n = 0; n < 40; n++) void ask('a.test');
  await settle();
  expect(given).toHaveLength(4);
  given[0]?.turn.slowDown();
  for (const { turn } of given.slice(0, 4)) turn.end();
  await settle();
  // Three went well after it: 2, 2.5, 2.9, 3.2.
  expect(given).toHaveLength(7);
  for (let done = 4; done < 20; done++) {
    given[done]?.turn.end();
    await settle();
  }
  expect(given).toHaveLength(24);
});

test('a host is never slowed down below one request', async () => {
  const { given, ask } = asking(4);
  for (let n = 0; n < 6; n++) void ask('a.test');
  await settle();
  for (const { turn } of given.slice()) {
    turn.slowDown();
    turn.end();
  }
  await settle();
  expect(given).toHaveLength(5);
});

test('a host that rests is asked by nobody until its rest is over', async () => {
  const { given, ask } = asking(4);
  await ask('a.test');
  given[0]?.turn.rest(3_000);
  given[0]?.turn.end();
  void ask('a.test');
  void ask('b.test');
  await vi.advanceTimersByTimeAsync(2_999);
  expect(given.map(({ host }) => host)).toEqual(['a.test', 'b.test']);
  await vi.advanceTimersByTimeAsync(1);
  expect(given.map(({ host }) => host)).toEqual(['a.test', 'b.test', 'a.test']);
});

test('a host that rests for longer than the caller can wait is not waited for', async () => {
  const { turns, given, ask } = asking(4);
  await ask('a.test');
  given[0]?.turn.rest(30_000);
  given[0]?.turn.end();
  await expect(turns.take('a.test', patienceMs, never)).rejects.toMatchObject({
    code: 'image.fetch.unavailable',
    message: 'a.test wants no request for another 30 s',
    retryAfter: 30,
  });
});

test('an hour of rest is a minute for whoever comes next', async () => {
  const { turns, given, ask } = asking(4);
  await ask('a.test');
  given[0]?.turn.rest(3_600_000);
  given[0]?.turn.end();
  await expect(turns.take('a.test', patienceMs, never)).rejects.toMatchObject({ retryAfter: 60 });
  await vi.advanceTimersByTimeAsync(60_000);
  await expect(turns.take('a.test', patienceMs, never)).resolves.toBeDefined();
});

test('whoever leaves the queue gets no turn, and keeps none from the others', async () => {
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
  await expect(turns.take('a.test', patienceMs, aborted)).rejects.toThrow('the caller left');
});
