import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterPatience } from '../../../../models/pool/patience.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a wait is over after its time', async () => {
  const onOver = vi.fn();
  afterPatience(60_000, onOver);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(onOver).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onOver).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test('a wait that was ended is never over', async () => {
  const onOver = vi.fn();
  afterPatience(60_000, onOver)();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(onOver).not.toHaveBeenCalled();
});

test('an hour during which the process was stopped counts as one step: Node runs the late timer once', () => {
  const timer = vi.spyOn(globalThis, 'setInterval');
  const onOver = vi.fn();
  afterPatience(60_000, onOver);
  const step = timer.mock.calls[0]?.[0] as () => void;
  vi.setSystemTime(Date.now() + 3_600_000);
  step();
  expect(onOver).not.toHaveBeenCalled();
  for (let count = 0; count < 8; count++) step();
  expect(onOver).not.toHaveBeenCalled();
  step();
  expect(onOver).toHaveBeenCalledOnce();
});
