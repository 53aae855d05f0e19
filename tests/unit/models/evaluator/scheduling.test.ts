import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createEvaluator } from '../../../../models/evaluator/evaluator.ts';
import { preprocess } from '../../../../models/evaluator/preprocess.ts';
import { loadTowers, type Towers } from '../../../../models/evaluator/towers.ts';
import { specOf, tinyClipFolder } from '../../../support/model-folders.ts';

// Decoding and the towers are played here, so that each lasts until the test ends it.
vi.mock('../../../../models/evaluator/preprocess.ts', { spy: true });
vi.mock('../../../../models/evaluator/towers.ts', { spy: true });

interface Run {
  tower: 'images' | 'texts';
  /** One entry an input: the length of a text in words, the first byte of a picture. */
  inputs: number[];
  succeed(rows?: number): void;
  fail(error: Error): void;
}

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
        pixels.map(([first]) => first ?? -1),
      ),
    texts: (ids) =>
      play(
        'texts',
        ids.map((row) => row.length - 2),
      ),
  };
  vi.mocked(loadTowers).mockResolvedValue(towers);
  vi.mocked(preprocess).mockImplementation(async ([first]) => Float32Array.of(first ?? -1));
});
afterEach(() => {
  vi.mocked(loadTowers).mockReset();
  vi.mocked(preprocess).mockReset();
});

/** The next run that a tower begins. */
const nextRun = () => runs.shift() ?? new Promise<Run>((resolve) => waiting.push(resolve));

const evaluatorOf = async (microBatch: { images: number; texts: number }) =>
  createEvaluator(await specOf(tinyClipFolder, { microBatch }), 1, 1_000_000);

/** A text of as many words, each of them one token. */
const text = (words: number) => 'cat '.repeat(words).trim();
const picture = (first: number) => Uint8Array.of(first);

test('a run takes at most a micro-batch, in the order of arrival', async () => {
  const evaluator = await evaluatorOf({ images: 1, texts: 3 });
  const all = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((tokens) => evaluator.text(text(tokens), false)));
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
  const evaluator = await evaluatorOf({ images: 1, texts: 8 });
  const bulk = [1, 2, 3].map((tokens) => evaluator.text(text(tokens), false));
  const interactive = evaluator.text(text(9), true);
  const first = await nextRun();
  first.succeed();
  const second = await nextRun();
  second.succeed();
  await interactive;
  const third = await nextRun();
  third.succeed();
  await Promise.all(bulk);
  expect([first.inputs, second.inputs, third.inputs]).toEqual([[1], [9], [2, 3]]);
});

test('two pictures are decoded at a time, and an interactive one is next', async () => {
  const begun: { picture: number | undefined; end(): void }[] = [];
  vi.mocked(preprocess).mockImplementation(
    ([first]) =>
      new Promise((resolve) => begun.push({ picture: first, end: () => resolve(Float32Array.of(first ?? -1)) })),
  );
  const evaluator = await evaluatorOf({ images: 8, texts: 1 });
  const bulk = [1, 2, 3, 4].map((first) => evaluator.image(picture(first), false));
  const interactive = evaluator.image(picture(200), true);
  expect(begun.map((decoding) => decoding.picture)).toEqual([1, 2]);
  for (let ended = 0; ended < 5; ended++) {
    begun[ended]?.end();
    await new Promise(setImmediate);
    expect(begun).toHaveLength(Math.min(5, ended + 3));
  }
  expect(begun.map((decoding) => decoding.picture)).toEqual([1, 2, 200, 3, 4]);
  for (let left = 5; left > 0; ) {
    const run = await nextRun();
    left -= run.inputs.length;
    run.succeed();
  }
  await Promise.all([interactive, ...bulk]);
});

test('an interactive picture runs before the batch pictures that are decoded, in a run of its own', async () => {
  const evaluator = await evaluatorOf({ images: 8, texts: 1 });
  const bulk = [1, 2, 3].map((first) => evaluator.image(picture(first), false));
  const first = await nextRun();
  const interactive = evaluator.image(picture(200), true);
  await new Promise(setImmediate);
  first.succeed();
  const second = await nextRun();
  second.succeed();
  await interactive;
  const third = await nextRun();
  third.succeed();
  await Promise.all(bulk);
  expect([first.inputs, second.inputs, third.inputs]).toEqual([[1], [200], [2, 3]]);
});

test.each([
  ['texts', 'images'],
  ['images', 'texts'],
] as const)('between the lanes of batch work, %s that waited longer go before %s', async (early, late) => {
  const evaluator = await evaluatorOf({ images: 1, texts: 1 });
  const post = { texts: () => evaluator.text('cat', false), images: () => evaluator.image(picture(7), false) };
  const all: Promise<unknown>[] = [post[early]()];
  const first = await nextRun();
  for (const lane of [early, early, late]) {
    all.push(post[lane]());
    await new Promise(setImmediate);
  }
  const seen: string[] = [];
  for (let run = first; ; run = await nextRun()) {
    seen.push(run.tower);
    run.succeed();
    if (seen.length === 4) break;
  }
  await Promise.all(all);
  expect(seen).toEqual([early, early, early, late]);
});

test('a run that fails rejects its own inputs and the next one runs', async () => {
  const evaluator = await evaluatorOf({ images: 1, texts: 2 });
  const settled = Promise.allSettled([1, 2, 3, 4].map((tokens) => evaluator.text(text(tokens), false)));
  (await nextRun()).succeed();
  (await nextRun()).fail(new Error('out of memory'));
  (await nextRun()).succeed();
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
});

test('a tower that gives too few rows fails the inputs without one', async () => {
  const evaluator = await evaluatorOf({ images: 1, texts: 2 });
  const settled = Promise.allSettled([1, 2, 3].map((tokens) => evaluator.text(text(tokens), false)));
  (await nextRun()).succeed();
  (await nextRun()).succeed(1);
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
});

test('a damaged picture leaves its place in decoding to the next', async () => {
  const evaluator = await evaluatorOf({ images: 1, texts: 1 });
  vi.mocked(preprocess).mockImplementation(async ([first]) => {
    if (first === 0) throw new Error('damaged');
    return Float32Array.of(first ?? -1);
  });
  const damaged = [1, 2, 3].map(() => evaluator.image(picture(0), false));
  const good = evaluator.image(picture(5), false);
  expect((await Promise.allSettled(damaged)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  (await nextRun()).succeed();
  await expect(good).resolves.toMatchObject({ embedding: Float32Array.of(1) });
});
