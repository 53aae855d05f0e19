import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type IdleMemoryOptions, releaseMemoryWhenIdle } from '../../../shared/idle-memory.ts';
import { silentLog } from '../../support/silent-log.ts';

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const mebibyte = 1024 * 1024;

/** A process that begins with 100 MiB, of which a collection leaves `leaves`. */
function setUp(leaves = 100) {
  const state = { share: 0, resident: 100, collections: 0 };
  const options: IdleMemoryOptions = {
    workShare: () => state.share,
    residentBytes: () => state.resident * mebibyte,
    collect() {
      state.collections++;
      state.resident = leaves;
    },
  };
  const stop = releaseMemoryWhenIdle(silentLog(), options);
  onTestFinished(stop);
  return { state, stop };
}

test('a process that has grown collects once it is idle, and not again', () => {
  const { state } = setUp(110);
  state.resident = 300;
  state.share = 0.5;
  vi.advanceTimersByTime(60_000);
  expect(state.collections).toBe(0);
  state.share = 0.01;
  vi.advanceTimersByTime(5_000);
  expect(state).toMatchObject({ collections: 1, resident: 110 });
  vi.advanceTimersByTime(60_000);
  expect(state.collections).toBe(1);
});

test('a process that cannot give its memory back does not collect for it again until it has grown', () => {
  const { state } = setUp(300);
  state.resident = 300;
  vi.advanceTimersByTime(60_000);
  expect(state.collections).toBe(1);
  state.resident = 340;
  vi.advanceTimersByTime(60_000);
  expect(state.collections).toBe(2);
});

test('a process that has hardly grown does not collect', () => {
  const { state, stop } = setUp();
  state.resident = 130;
  vi.advanceTimersByTime(60_000);
  expect(state.collections).toBe(0);
  stop();
  state.resident = 300;
  vi.advanceTimersByTime(60_000);
  expect(state.collections).toBe(0);
});

/** Created here, so that no register of the test refers to the object. */
const refToNothingElse = () => new WeakRef({});

test('the collector of V8 frees unreferenced memory', async () => {
  const ref = refToNothingElse();
  const readings = [0, 64, 64];
  const stop = releaseMemoryWhenIdle(silentLog(), {
    workShare: () => 0,
    residentBytes: () => (readings.shift() ?? 0) * mebibyte,
  });
  // Asynchronously, since V8 retains the target of a new WeakRef until the current job ends.
  await vi.advanceTimersByTimeAsync(5_000);
  expect(ref.deref()).toBeUndefined();
  stop();
});
