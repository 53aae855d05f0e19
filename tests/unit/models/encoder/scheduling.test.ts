import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createEncoder } from '../../../../models/encoder/encoder.ts';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import { startCropThread } from '../../../../models/pixels/threaded-crop.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { until } from '../../../../testing/until.ts';

// Decoding and the towers are played here, so that each lasts until the test ends it.
vi.mock('../../../../models/pixels/threaded-crop.ts', { spy: true });
vi.mock('../../../../models/encoder/towers.ts', { spy: true });

interface Run {
  tower: 'images' | 'texts';
  /** One entry an input: the length of a text in words, the first byte of an image. */
  inputs: number[];
  succeed(rows?: number): void;
  fail(error: Error): void;
}

const crop = vi.fn<(bytes: Uint8Array) => Promise<Uint8Array>>();
let runs: Run[];
let waiting: ((run: Run) => void)[];

beforeEach(() => {
  runs = [];
  waiting = [];
  const play = (tower: Run['tower'], inputs: number[]) =>
    new Promise<Float32Array[]>((resolve, reject) => {
      const run: Run = {
        tower,
        inputs,
        succeed: (rows = inputs.length) => resolve(Array.from({ length: rows }, () => Float32Array.of(1))),
        fail: reject,
      };
      const next = waiting.shift();
      if (next) next(run);
      else runs.push(run);
    });
  const towers: Towers = {
    images: (pixels) =>
      play(
        'images',
        pixels.map((one) => (one instanceof Uint8Array ? (one[0] ?? -1) : -1)),
      ),
    texts: (ids) =>
      play(
        'texts',
        ids.map((row) => row.length - 2),
      ),
  };
  vi.mocked(loadTowers).mockResolvedValue(towers);
  crop.mockImplementation(async ([first]) => Uint8Array.of(first ?? 0));
  vi.mocked(startCropThread).mockReturnValue({ crop, close() {} });
});
afterEach(() => {
  vi.mocked(loadTowers).mockReset();
  crop.mockReset();
  vi.mocked(startCropThread).mockReset();
});

/** The next run that a tower begins. */
const nextRun = () => runs.shift() ?? new Promise<Run>((resolve) => waiting.push(resolve));

/** Lets so many runs succeed, one after the other. @returns the inputs of each. */
async function succeedRuns(count: number): Promise<number[][]> {
  const inputs: number[][] = [];
  while (inputs.length < count) {
    const run = await nextRun();
    inputs.push(run.inputs);
    run.succeed();
  }
  return inputs;
}

const encoderOf = async (microBatch: { images: number; texts: number }, onShrunk?: (images: number) => void) =>
  createEncoder(
    { spec: await specOf(tinyClipFolder, { microBatch }), threads: 1, deviceId: 0, maxPixels: 1_000_000 },
    onShrunk,
  );

/** A text of as many words, each of them one token. */
const text = (words: number) => 'cat '.repeat(words).trim();
const image = (first: number) => Uint8Array.of(first);

test('a run takes at most a micro-batch, in the order of arrival', async () => {
  const encoder = await encoderOf({ images: 1, texts: 3 });
  const all = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((tokens) => encoder.text(text(tokens), false)));
  const seen: number[][] = [];
  for (let left = 8; left > 0; ) {
    const run = await nextRun();
    seen.push(run.inputs);
    left -= run.inputs.length;
    run.succeed();
  }
  await all;
  // The first text found the tower idle; the others gathered while it ran.
  expect(seen).toEqual([[1], [2, 3, 4], [5, 6, 7], [8]]);
});

test('an interactive text goes before the batch texts that wait, in a run of its own', async () => {
  const encoder = await encoderOf({ images: 1, texts: 8 });
  const bulk = [1, 2, 3].map((tokens) => encoder.text(text(tokens), false));
  const interactive = encoder.text(text(9), true);
  expect(await succeedRuns(3)).toEqual([[1], [9], [2, 3]]);
  await Promise.all([interactive, ...bulk]);
});

test('an interactive image runs before the batch images that are decoded, in a run of its own', async () => {
  const encoder = await encoderOf({ images: 8, texts: 1 });
  const bulk = [1, 2, 3].map((first) => encoder.image(image(first), { interactive: false }));
  const first = await nextRun();
  const interactive = encoder.image(image(200), { interactive: true });
  await new Promise(setImmediate);
  first.succeed();
  expect([first.inputs, ...(await succeedRuns(2))]).toEqual([[1], [200], [2, 3]]);
  await Promise.all([interactive, ...bulk]);
});

test('however many interactive images and texts there are, each tower has a batch run a second', async () => {
  const encoder = await encoderOf({ images: 8, texts: 8 });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const interactive = () =>
    void Promise.all([encoder.image(image(200), { interactive: true }), encoder.text(text(9), true)]);
  interactive();
  let run = await nextRun();
  for (let at = 0; at < 30; at++)
    void Promise.all([encoder.image(image(1), { interactive: false }), encoder.text('cat', false)]);
  // Every run lasts 100 ms, and by its end there is interactive work for both towers again.
  const batchRuns: Record<Run['tower'], number[]> = { images: [0], texts: [0] };
  for (let at = 100; at <= 3_500; at += 100) {
    vi.advanceTimersByTime(100);
    interactive();
    await new Promise(setImmediate);
    run.succeed();
    run = await nextRun();
    if (run.inputs.includes(1)) batchRuns[run.tower].push(at);
  }
  for (const begun of Object.values(batchRuns)) {
    expect(begun.length).toBeGreaterThanOrEqual(3);
    // A second from the end of one to its turn, and two runs that may be in the way.
    for (const [last, at] of begun.slice(1).entries()) {
      expect(at - (begun[last] ?? 0)).toBeGreaterThanOrEqual(1_000);
      expect(at - (begun[last] ?? 0)).toBeLessThanOrEqual(1_300);
    }
  }
});

test('the batches of a tenant do not make its own requests wait for the batches of a tenant with less use', async () => {
  const encoder = await encoderOf({ images: 1, texts: 8 });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const all = [1, 2, 3].map((first) => encoder.image(image(first), { interactive: false, tenant: 'ordinary' }));
  for (let at = 0; at < 3; at++) {
    const run = await nextRun();
    vi.advanceTimersByTime(100);
    if (at === 2) {
      all.push(encoder.image(image(4), { interactive: false, tenant: 'other' }));
      all.push(encoder.image(image(200), { interactive: true, tenant: 'ordinary' }));
      await new Promise(setImmediate);
    }
    run.succeed();
  }
  expect(await succeedRuns(2)).toEqual([[200], [4]]);
  await Promise.all(all);
});

test('requests that have used more than half of the processor give way to the batches of another tenant', async () => {
  const encoder = await encoderOf({ images: 2, texts: 8 });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const all = [encoder.image(image(200), { interactive: true, tenant: 'hostile' })];
  const first = await nextRun();
  vi.advanceTimersByTime(5_000);
  for (let at = 0; at < 3; at++) all.push(encoder.image(image(200), { interactive: true, tenant: 'hostile' }));
  for (let at = 0; at < 4; at++) all.push(encoder.image(image(1), { interactive: false, tenant: 'ordinary' }));
  await new Promise(setImmediate);
  const seen: number[][] = [];
  for (let run = first; ; run = await nextRun()) {
    seen.push(run.inputs);
    vi.advanceTimersByTime(100);
    run.succeed();
    if (seen.flat().length === all.length) break;
  }
  await Promise.all(all);
  expect(seen).toEqual([[200], [1, 1], [1, 1], [200, 200], [200]]);
});

test('moderate requests go before the batches of a tenant that has just come', async () => {
  const encoder = await encoderOf({ images: 2, texts: 8 });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const all = [encoder.image(image(200), { interactive: true, tenant: 'ordinary' })];
  const first = await nextRun();
  vi.advanceTimersByTime(1_000);
  all.push(encoder.image(image(1), { interactive: false, tenant: 'other' }));
  all.push(encoder.image(image(201), { interactive: true, tenant: 'ordinary' }));
  await new Promise(setImmediate);
  first.succeed();
  expect(await succeedRuns(2)).toEqual([[201], [1]]);
  await Promise.all(all);
});

test('interactive work goes before the batches of the same tenant, and of one with as much use', async () => {
  const encoder = await encoderOf({ images: 8, texts: 8 });
  const all = [encoder.image(image(0), { interactive: false, tenant: 'a' })];
  const first = await nextRun();
  for (const tenant of ['a', 'b']) {
    all.push(encoder.image(image(1), { interactive: false, tenant: 'a' }));
    all.push(encoder.image(image(200), { interactive: true, tenant }));
  }
  await new Promise(setImmediate);
  first.succeed();
  expect(await succeedRuns(2)).toEqual([
    [200, 200],
    [1, 1],
  ]);
  await Promise.all(all);
});

describe('of batch work', () => {
  const order = async (texts: number, images: number, microBatch: { images: number; texts: number }) => {
    const encoder = await encoderOf(microBatch);
    const all: Promise<unknown>[] = [encoder.image(image(0), { interactive: false })];
    const first = await nextRun();
    for (let at = 1; at <= images; at++) all.push(encoder.image(image(at), { interactive: false }));
    for (let at = 0; at < texts; at++) all.push(encoder.text(text(2), false));
    await until(() => expect(crop).toHaveBeenCalledTimes(1 + images));
    const seen: string[] = [];
    let done = 0;
    for (let run = first; ; run = await nextRun()) {
      done += run.inputs.length;
      seen.push(`${run.inputs.length} ${run.tower}`);
      run.succeed();
      if (done === 1 + images + texts) break;
    }
    await Promise.all(all);
    return seen;
  };

  test('texts that fill a run go first', async () => {
    expect(await order(2, 2, { images: 1, texts: 2 })).toEqual(['1 images', '2 texts', '1 images', '1 images']);
  });

  test('texts that do not fill a run let images go first', async () => {
    expect(await order(1, 2, { images: 1, texts: 2 })).toEqual(['1 images', '1 images', '1 images', '1 texts']);
  });
});

test('a run that fails rejects its own inputs and the next one runs', async () => {
  const encoder = await encoderOf({ images: 1, texts: 2 });
  const settled = Promise.allSettled([1, 2, 3, 4].map((tokens) => encoder.text(text(tokens), false)));
  (await nextRun()).succeed();
  (await nextRun()).fail(new Error('a shape that does not fit'));
  (await nextRun()).succeed();
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
});

test('a run that does not fit into device memory is halved, and later runs are no larger', async () => {
  const shrunk: number[] = [];
  const encoder = await encoderOf({ images: 4, texts: 1 }, (images) => shrunk.push(images));
  const first = encoder.image(Uint8Array.of(0), { interactive: false });
  const run = await nextRun();
  const all = [1, 2, 3, 4, 5, 6, 7].map((byte) => encoder.image(Uint8Array.of(byte), { interactive: false }));
  await until(() => expect(crop).toHaveBeenCalledTimes(8));
  run.succeed();
  await first;
  (await nextRun()).fail(new Error('CUDA failure 2: out of memory'));
  const sizes: number[] = [];
  for (let at = 0; at < 4; at++) {
    const half = await nextRun();
    sizes.push(half.inputs.length);
    half.succeed();
  }
  await Promise.all(all);
  expect([sizes, shrunk]).toEqual([[2, 2, 2, 1], [2]]);
});

test('a single input for which the device has no memory fails', async () => {
  const encoder = await encoderOf({ images: 4, texts: 1 });
  const embedded = encoder.image(Uint8Array.of(0), { interactive: false });
  (await nextRun()).fail(new Error('out of memory'));
  await expect(embedded).rejects.toThrow('out of memory');
});

test('calibration does not begin while work runs, and gives way to work after one run', async () => {
  const encoder = await encoderOf({ images: 1, texts: 1 });
  const embedded = encoder.image(Uint8Array.of(7), { interactive: false });
  const work = await nextRun();
  const none = { calibration: { images: 1, imagesPerSecond: {} }, isComplete: false };
  expect(await encoder.calibrate()).toEqual(none);
  work.succeed();
  await embedded;
  const calibrated = encoder.calibrate();
  const measured = await nextRun();
  expect(measured.inputs).toEqual([0]);
  const next = encoder.image(Uint8Array.of(9), { interactive: true });
  await until(() => expect(crop).toHaveBeenCalledTimes(2));
  await new Promise(setImmediate);
  measured.succeed();
  const between = await nextRun();
  expect(between.inputs).toEqual([9]);
  expect(await calibrated).toEqual(none);
  between.succeed();
  await next;
  void (async () => {
    for (;;) (await nextRun()).succeed();
  })();
  const { calibration, isComplete } = await encoder.calibrate({ 1: 0.001 });
  expect(isComplete).toBe(true);
  const { images, imagesPerSecond } = calibration;
  expect(imagesPerSecond[1]).toBe(0.001);
  expect(imagesPerSecond[images]).toBeGreaterThan(0);
});

test('what comes while calibration tries a size that does not fit runs after it', async () => {
  const encoder = await encoderOf({ images: 1, texts: 1 });
  const calibrated = encoder.calibrate();
  const measured = await nextRun();
  const embedded = encoder.text(text(3), false);
  measured.fail(new Error('CUDA out of memory'));
  await expect(calibrated).rejects.toThrow('out of memory');
  const run = await nextRun();
  expect(run.inputs).toEqual([3]);
  run.succeed();
  await embedded;
});

test('a tower that gives too few rows fails the inputs without one', async () => {
  const encoder = await encoderOf({ images: 1, texts: 2 });
  const settled = Promise.allSettled([1, 2, 3].map((tokens) => encoder.text(text(tokens), false)));
  (await nextRun()).succeed();
  (await nextRun()).succeed(1);
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
});

test('a damaged image leaves its place in decoding to the next', async () => {
  const encoder = await encoderOf({ images: 1, texts: 1 });
  crop.mockImplementation(async ([first]) => {
    if (first === 0) throw new Error('damaged');
    return Uint8Array.of(first ?? 0);
  });
  const damaged = [1, 2, 3].map(() => encoder.image(image(0), { interactive: false }));
  const good = encoder.image(image(5), { interactive: false });
  expect((await Promise.allSettled(damaged)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  (await nextRun()).succeed();
  await expect(good).resolves.toMatchObject({ embedding: Float32Array.of(1) });
});
