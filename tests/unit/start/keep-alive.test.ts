import { expect, test } from 'vitest';
import { keepAlive, type Run } from '../../../start/keep-alive.ts';

/** A run whose end the test decides; it records the signals it gets and, unless stubborn, ends by them. */
function fakeRun({ stubborn = false } = {}) {
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const signals: string[] = [];
  const run: Run = {
    ended,
    signal: (signal) => {
      signals.push(signal);
      if (!stubborn || signal === 'SIGKILL') end(`was killed by ${signal}`);
    },
  };
  return { run, end, signals };
}

const never = new AbortController().signal;
const unexpected = (error: Error) => expect.unreachable(error.message);

test('a process that ends is started again, with one line', async () => {
  const runs = [fakeRun(), fakeRun()];
  const startedAgain = Promise.withResolvers<void>();
  const lines: string[] = [];
  let launched = 0;
  const kept = keepAlive({
    name: 'Redis',
    launch: async () => {
      const next = runs[launched++];
      if (launched === 2) startedAgain.resolve();
      return next?.run ?? expect.unreachable();
    },
    giveUp: () => undefined,
    onGivenUp: unexpected,
    say: (line) => lines.push(line),
  });
  runs[0]?.end('was killed by SIGSEGV');
  await startedAgain.promise;
  expect(lines).toEqual(['Redis was killed by SIGSEGV; restarting in 100 ms.']);
  await kept.stop({ graceMs: 60_000, hard: never });
  expect(runs[1]?.signals).toEqual(['SIGTERM']);
  expect(launched).toBe(2);
});

test('giving up is reported once, and nothing is started after it', async () => {
  const givenUp = Promise.withResolvers<Error>();
  const { run, end } = fakeRun();
  let launched = 0;
  keepAlive({
    name: 'The service',
    launch: async () => {
      launched += 1;
      return run;
    },
    giveUp: (how) => new Error(`it ${how}`),
    onGivenUp: givenUp.resolve,
    say: () => expect.unreachable(),
  });
  end('exited with code 1');
  expect((await givenUp.promise).message).toBe('it exited with code 1');
  expect(launched).toBe(1);
});

test('a process that ignores SIGTERM is killed at once when the stop turns hard', async () => {
  const { run, signals } = fakeRun({ stubborn: true });
  const hard = new AbortController();
  const kept = keepAlive({
    name: 'x',
    launch: async () => run,
    giveUp: () => undefined,
    onGivenUp: unexpected,
    say: () => {},
  });
  await Promise.resolve();
  const stopped = kept.stop({ graceMs: 60_000, hard: hard.signal });
  hard.abort();
  await stopped;
  expect(signals.at(-1)).toBe('SIGKILL');
});

test('a process that ignores SIGTERM is killed when its grace is over', async () => {
  const { run, signals } = fakeRun({ stubborn: true });
  const kept = keepAlive({
    name: 'x',
    launch: async () => run,
    giveUp: () => undefined,
    onGivenUp: unexpected,
    say: () => {},
  });
  await kept.stop({ graceMs: 1, hard: never });
  expect(signals.at(-1)).toBe('SIGKILL');
});

test('a process that was still being launched when the stop came is ended too', async () => {
  const launching = Promise.withResolvers<Run>();
  const { run, signals } = fakeRun();
  const kept = keepAlive({
    name: 'x',
    launch: () => launching.promise,
    giveUp: () => undefined,
    onGivenUp: unexpected,
    say: () => {},
  });
  const stopped = kept.stop({ graceMs: 60_000, hard: never });
  launching.resolve(run);
  await stopped;
  expect(signals).toEqual(['SIGTERM']);
});
