import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSlot, type Slot, type SlotState } from '../../../../models/pool/slot.ts';
import type { Task } from '../../../../models/pool/task.ts';
import { createTaskQueue } from '../../../../models/pool/task-queue.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { type FakeEncoder, fakeEncoders } from '../../../support/fake-encoders.ts';
import { silentLog } from '../../../support/silent-log.ts';

// The next process starts from a timer, so time is the test's.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const spec = await specOf(tinyClipFolder, { model: 'tiny' });
const calibration = { images: 4, imagesPerSecond: { 4: 20 } };

function slotOf() {
  const { launched, launch } = fakeEncoders();
  const slot = createSlot(
    {
      model: 'tiny',
      launch,
      loadOptions: () => ({ spec, threads: 1, deviceId: 0, maxPixels: 1_000 }),
      hangingAfter: () => 10,
      taskTimeoutMs: 1_000,
      log: silentLog(),
    },
    {
      onLoaded: () => {},
      onLoadError: () => {},
      onRan: () => {},
      onCalibrated: () => true,
      onShrunk: () => {},
      onRoom: () => {},
      onCrash: () => {},
    },
  );
  return { slot, encoder: () => launched.at(-1) as FakeEncoder, launched };
}

const taskOf = (text: string): Task => ({
  input: { text },
  interactive: false,
  tenant: '',
  signal: undefined,
  queue: createTaskQueue(),
  deaths: 0,
  resolve: () => {},
  reject: () => {},
});

/** Steps that lead to each state from a new slot, which loads. */
const steps: Record<SlotState, (slot: Slot, encoder: () => FakeEncoder) => void> = {
  loading: () => {},
  down: (_slot, encoder) => encoder().die(),
  ready: (_slot, encoder) => encoder().load(),
  isolating(slot, encoder) {
    encoder().load();
    slot.isolate([taskOf('suspect')]);
  },
  retiring(slot, encoder) {
    encoder().load();
    slot.send(taskOf('last'));
    encoder().calibrated(calibration);
  },
  ending(slot, encoder) {
    encoder().load();
    slot.send(taskOf('hangs'));
    vi.advanceTimersByTime(1_000);
  },
  closed: (slot) => slot.close(new Error('the pool is closed')),
};

test.each<[state: SlotState, isServing: boolean, isUp: boolean]>([
  ['loading', false, false],
  ['down', false, false],
  ['ready', true, true],
  ['isolating', true, true],
  ['retiring', true, true],
  ['ending', false, false],
  ['closed', false, false],
])('a slot that is %s: is its model loaded %s, does it count as up %s', (state, isServing, isUp) => {
  const { slot, encoder } = slotOf();
  steps[state](slot, encoder);
  expect({ state: slot.state, isServing: slot.isServing, isUp: slot.isUp }).toEqual({ state, isServing, isUp });
});

test.each<SlotState>(['loading', 'down', 'ready', 'isolating', 'retiring', 'ending'])(
  'a slot that is %s closes, leaves no timer and starts nothing',
  async (state) => {
    const { slot, encoder, launched } = slotOf();
    steps[state](slot, encoder);
    slot.close(new Error('the pool is closed'));
    await Promise.resolve();
    expect([slot.state, slot.inFlight, vi.getTimerCount()]).toEqual(['closed', 0, 0]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(launched).toHaveLength(1);
  },
);

test('a crash leads over down and loading to ready, and over isolating with tasks in flight', async () => {
  const { slot, encoder } = slotOf();
  const seen: SlotState[] = [];
  const note = () => void seen.push(slot.state);
  encoder().load();
  encoder().die();
  note();
  await vi.advanceTimersByTimeAsync(1);
  note();
  encoder().load();
  note();
  slot.send(taskOf('a'));
  slot.send(taskOf('b'));
  encoder().die();
  await vi.advanceTimersByTimeAsync(1);
  encoder().load();
  note();
  encoder().answer('a');
  note();
  encoder().answer('b');
  note();
  expect(seen).toEqual(['down', 'loading', 'ready', 'isolating', 'isolating', 'ready']);
});

test('tasks that must run alone wait until the encoder is empty, and for the next process while it retires', async () => {
  const { slot, encoder } = slotOf();
  encoder().load();
  slot.send(taskOf('ordinary'));
  slot.isolate([taskOf('suspect')]);
  expect(encoder().texts()).toEqual(['ordinary']);
  encoder().calibrated(calibration);
  expect(slot.state).toBe('retiring');
  encoder().answer('ordinary');
  await vi.advanceTimersByTimeAsync(1);
  expect([slot.state, slot.isUp]).toEqual(['loading', true]);
  encoder().load();
  expect([slot.state, encoder().texts()]).toEqual(['isolating', ['suspect']]);
  encoder().answer('suspect');
  expect(slot.state).toBe('ready');
});

test('a process that was killed answers nothing more that would change its slot', () => {
  const { slot, encoder } = slotOf();
  steps.ending(slot, encoder);
  encoder().calibrated(calibration);
  expect(slot.state).toBe('ending');
});
