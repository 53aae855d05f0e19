import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EncoderEvents } from '../../../../models/encoder/process.ts';
import type { ToEncoder } from '../../../../models/encoder/protocol.ts';
import { createPool, type EncoderPool, type PoolOptions } from '../../../../models/pool/pool.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { embeddingOf, type FakeEncoder, fakeEncoders } from '../../../support/fake-encoders.ts';
import { silentLog } from '../../../support/silent-log.ts';

// The next process starts from a timer, so the test controls time.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const tinyClip = await specOf(tinyClipFolder, { model: 'tiny', microBatch: { images: 1, texts: 4 } });
/** Texts of one encoder at a time: two micro-batches. */
const window = 8;

interface Setup {
  pool: EncoderPool;
  launched: FakeEncoder[];
  /** An encoder by the order of its start. */
  encoder(number: number): FakeEncoder;
  /** Embeds texts for a batch, or interactively. */
  bulk(...texts: string[]): Promise<unknown>[];
  interactive(...texts: string[]): Promise<unknown>[];
}

function poolOf(options: Partial<PoolOptions> = {}): Setup {
  const { launched, launch } = fakeEncoders();
  const pool = createPool({
    spec: tinyClip,
    encoders: 1,
    threads: 1,
    maxPixels: 1_000,
    log: silentLog(),
    launch,
    ...options,
  });
  const embed = (interactive: boolean) => (texts: string[]) =>
    texts.map((text) => {
      const embedded = pool.embed({ text }, { interactive });
      // Each test looks at the outcomes it is about.
      embedded.catch(() => {});
      return embedded;
    });
  return {
    pool,
    launched,
    encoder(number) {
      const encoder = launched[number];
      if (encoder === undefined) throw new Error(`Only ${launched.length} encoders were started`);
      return encoder;
    },
    bulk: (...texts) => embed(false)(texts),
    interactive: (...texts) => embed(true)(texts),
  };
}

test('a model that cannot be loaded is logged once for each reason, however often it is tried', async () => {
  const said: [level: string, reason: unknown][] = [];
  const note = (level: string) => (fields: { reason?: unknown }) => void said.push([level, fields.reason]);
  const log = { ...silentLog(), debug: () => {}, info: () => {}, warn: note('warn'), error: note('error') } as never;
  const { launched, pool } = poolOf({ encoders: 2, log });
  for (let tried = 0; tried < 6; tried++) {
    launched[tried]?.failToLoad(tried < 4 ? 'wrong golden values' : 'no memory');
    launched[tried]?.die();
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(said).toEqual([
    ['error', 'wrong golden values'],
    ['error', 'no memory'],
  ]);
  await pool.close();
});

/** Lets the next process start, where the pool does not pause before it. */
const replacementStarts = () => vi.advanceTimersByTimeAsync(1);
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);

describe('a pool', () => {
  test('sends each encoder the model to load before anything else', () => {
    const { launched } = poolOf({ encoders: 2, threads: 3 });
    const load = { type: 'load', spec: tinyClip, threads: 3, deviceId: 0, maxPixels: 1_000, decoders: 0 };
    expect(launched.map(({ sent }) => sent)).toEqual([[load], [load]]);
  });

  test('holds work until an encoder is ready, and returns its answer', async () => {
    const { encoder, bulk } = poolOf();
    const [embedded] = bulk('a cat');
    expect(encoder(0).texts()).toEqual([]);
    encoder(0).load();
    expect(encoder(0).texts()).toEqual(['a cat']);
    encoder(0).answer('a cat', embeddingOf(0.6, 0.8));
    await expect(embedded).resolves.toEqual(embeddingOf(0.6, 0.8));
  });

  test('sends images as bytes', () => {
    const { pool, encoder } = poolOf();
    encoder(0).load();
    void pool.embed({ image: Uint8Array.of(1, 2) }, { interactive: true });
    expect(encoder(0).sent.at(-1)).toMatchObject({ type: 'image', interactive: true, bytes: Uint8Array.of(1, 2) });
  });

  test("returns an encoder's error with its code", async () => {
    const { encoder, bulk } = poolOf();
    encoder(0).load();
    const [embedded] = bulk('a cat');
    encoder(0).fail('a cat', 'image.corrupt', 'The image is damaged');
    await expect(embedded).rejects.toMatchObject({
      name: 'ServiceError',
      code: 'image.corrupt',
      message: 'The image is damaged',
    });
  });

  test('spreads work over its encoders', () => {
    const { encoder, bulk } = poolOf({ encoders: 2 });
    encoder(0).load();
    encoder(1).load();
    void bulk('a', 'b', 'c', 'd');
    expect([encoder(0).texts(), encoder(1).texts()]).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
  });

  test('is ready with its first encoder', async () => {
    const { pool, encoder } = poolOf({ encoders: 2 });
    const ready = pool.whenReady();
    encoder(1).load();
    await expect(ready).resolves.toBeUndefined();
    await expect(pool.whenReady()).resolves.toBeUndefined();
  });

  test('reports encoders and tasks in its state', async () => {
    const { pool, encoder, bulk } = poolOf({ encoders: 2 });
    void bulk('a');
    expect(pool.state()).toEqual({
      state: 'loading',
      ready: 0,
      configured: 2,
      restarts: 0,
      waiting: 1,
      inFlight: 0,
      verified: null,
      microBatch: 1,
      detail: null,
    });
    encoder(0).load();
    expect(pool.state()).toMatchObject({ state: 'ready', ready: 1, waiting: 0, inFlight: 1, verified: false });
    expect(pool.pids()).toEqual([1_000, 1_001]);
    encoder(0).die();
    expect(pool.state()).toMatchObject({ state: 'loading', ready: 0, restarts: 1 });
    expect(pool.pids()).toEqual([1_001]);
    await replacementStarts();
    encoder(2).load();
    expect(pool.state()).toMatchObject({ state: 'ready', ready: 1, restarts: 1 });
    expect(pool.pids()).toEqual([1_002, 1_001]);
  });
});

describe('calibration', () => {
  const calibration = { images: 4, imagesPerSecond: { 1: 10, 4: 20 } };

  test('is done by one encoder once the pool is quiet, and all of them use the result', async () => {
    const found: unknown[] = [];
    const { pool, encoder, bulk } = poolOf({ encoders: 2, onCalibrated: (it) => found.push(it) });
    encoder(0).load();
    encoder(1).load();
    void bulk('a');
    await vi.advanceTimersByTimeAsync(10_000);
    const asked = () => [0, 1].map((at) => encoder(at).sent.filter(({ type }) => type === 'calibrate').length);
    expect(asked()).toEqual([0, 0]);
    encoder(0).answer('a');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked()).toEqual([1, 0]);
    encoder(0).calibrated(calibration);
    expect(found).toEqual([calibration]);
    expect(pool.state().microBatch).toBe(4);
    for (const at of [0, 1]) expect(encoder(at).sent).toContainEqual({ type: 'micro_batch', images: 4 });
    encoder(1).die();
    await replacementStarts();
    expect(encoder(2).sent[0]).toMatchObject({ type: 'load', spec: { microBatch: { images: 4 } } });
  });

  test('replaces its encoder when that is empty, because it holds the memory of the largest run', async () => {
    const { pool, launched, encoder, bulk } = poolOf({ encoders: 2, onCalibrated: () => {} });
    encoder(0).load();
    encoder(1).load();
    await vi.advanceTimersByTimeAsync(10_000);
    const [done] = bulk('a');
    encoder(0).calibrated(calibration);
    expect(encoder(0).killed).toBe(false);
    void bulk('b');
    expect(encoder(1).texts()).toEqual(['b']);
    encoder(0).answer('a');
    await done;
    expect(encoder(0).killed).toBe(true);
    await replacementStarts();
    expect(launched).toHaveLength(3);
    encoder(2).load();
    expect(pool.state()).toMatchObject({ ready: 2, restarts: 0 });
  });

  test('keeps the only encoder, whose requests would wait for the replacement', async () => {
    const { pool, launched, encoder, bulk } = poolOf({ encoders: 1, onCalibrated: () => {} });
    encoder(0).load();
    await vi.advanceTimersByTimeAsync(10_000);
    encoder(0).calibrated(calibration);
    expect(pool.state()).toMatchObject({ state: 'ready', ready: 1, microBatch: 4 });
    const [done] = bulk('a');
    encoder(0).answer('a');
    await done;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(launched).toHaveLength(1);
    expect(encoder(0).sent.filter(({ type }) => type === 'calibrate')).toHaveLength(1);
  });

  test('leaves the pool not ready when the replacement does not start', async () => {
    const { pool, encoder } = poolOf({ encoders: 2, onCalibrated: () => {} });
    encoder(0).load();
    encoder(1).load();
    await vi.advanceTimersByTimeAsync(10_000);
    encoder(0).calibrated(calibration);
    await replacementStarts();
    encoder(2).die();
    expect(pool.state()).toMatchObject({ ready: 1, restarts: 1 });
  });

  test('that work has interrupted continues with the sizes that are left, once the pool is quiet again', async () => {
    const found: unknown[] = [];
    const { pool, encoder, bulk } = poolOf({ encoders: 1, onCalibrated: (it) => found.push(it) });
    encoder(0).load();
    await vi.advanceTimersByTimeAsync(10_000);
    const before = pool.state().microBatch;
    const [done] = bulk('a');
    encoder(0).calibrated({ images: 1, imagesPerSecond: { 1: 10 } }, false);
    expect([found, pool.state().microBatch]).toEqual([[], before]);
    encoder(0).answer('a');
    await done;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(encoder(0).sent.filter(({ type }) => type === 'calibrate')).toEqual([
      { type: 'calibrate', known: {} },
      { type: 'calibrate', known: { 1: 10 } },
    ]);
    encoder(0).calibrated(calibration);
    expect(found).toEqual([calibration]);
  });

  test('delays no request while another encoder is free', async () => {
    const { encoder, pool } = poolOf({ encoders: 2, onCalibrated: () => {} });
    encoder(0).load();
    encoder(1).load();
    await vi.advanceTimersByTimeAsync(10_000);
    for (const text of ['a', 'b']) void pool.embed({ text }, { interactive: true }).catch(() => {});
    expect([encoder(0).texts(), encoder(1).texts()]).toEqual([[], ['a', 'b']]);
    encoder(0).calibrated(calibration, false);
    void pool.embed({ text: 'c' }, { interactive: true }).catch(() => {});
    expect(encoder(0).texts()).toEqual(['c']);
  });

  test('is not repeated when the encoder died of it', async () => {
    const { encoder } = poolOf({ onCalibrated: () => {} });
    encoder(0).load();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(encoder(0).sent.at(-1)).toEqual({ type: 'calibrate', known: {} });
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(encoder(1).sent.map(({ type }) => type)).toEqual(['load']);
  });

  test('is left out without a callback for its result', async () => {
    const { encoder } = poolOf();
    encoder(0).load();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(encoder(0).sent.map(({ type }) => type)).toEqual(['load']);
  });
});

describe('several devices', () => {
  test('share the encoders evenly', () => {
    const { encoder } = poolOf({ encoders: 3, devices: 2 });
    expect([0, 1, 2].map((at) => encoder(at).sent[0])).toMatchObject([
      { deviceId: 0 },
      { deviceId: 1 },
      { deviceId: 0 },
    ]);
  });

  test('that have no memory for a large run take smaller ones from then on', () => {
    const { pool, encoder } = poolOf({ encoders: 2, spec: { ...tinyClip, microBatch: { images: 8, texts: 1 } } });
    encoder(0).load();
    encoder(1).load();
    encoder(0).shrink(4);
    expect(pool.state().microBatch).toBe(4);
    expect(encoder(1).sent.at(-1)).toEqual({ type: 'micro_batch', images: 4 });
  });
});

describe('the window', () => {
  test('bounds the batch tasks of one encoder', () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).load();
    void bulk(...named('b', window + 2));
    expect(encoder(0).texts()).toEqual(named('b', window));
    expect(pool.state().waiting).toBe(2);
    encoder(0).answer('b3');
    expect(encoder(0).texts()).toHaveLength(window);
    expect(encoder(0).texts().at(-1)).toBe('b9');
  });

  test('holds three micro-batches of images and two of texts where these are large, each kind by itself', () => {
    const { pool, encoder, bulk } = poolOf({ spec: { ...tinyClip, microBatch: { images: 8, texts: 16 } } });
    encoder(0).load();
    void bulk(...named('b', 40));
    for (let at = 0; at < 30; at++) pool.embed({ image: Uint8Array.of(at) }, { interactive: false }).catch(() => {});
    expect(encoder(0).texts()).toHaveLength(32);
    expect(encoder(0).sent.filter(({ type }) => type === 'image')).toHaveLength(24);
  });

  test('has eight more places for interactive tasks, which do not wait for batch tasks', () => {
    const { pool, encoder, bulk, interactive } = poolOf();
    encoder(0).load();
    void bulk(...named('b', window + 2));
    void interactive(...named('i', 9));
    expect(encoder(0).texts()).toEqual([...named('b', window), ...named('i', 8)]);
    expect(pool.state().waiting).toBe(3);
  });

  test('has places for one run of batch tasks in an encoder that interactive ones keep full', () => {
    const { encoder, bulk, interactive } = poolOf();
    encoder(0).load();
    void interactive(...named('i', window + 12));
    void bulk(...named('b', 6));
    expect(encoder(0).texts()).toEqual([...named('i', window + 8), ...named('b', 4)]);
    encoder(0).answer('b2');
    expect(encoder(0).texts()).toContain('b5');
  });

  test('gives a free place to interactive tasks first', () => {
    const { encoder, bulk, interactive } = poolOf();
    encoder(0).load();
    void bulk(...named('b', window + 2));
    void interactive(...named('i', 9));
    encoder(0).answer('b1');
    expect(encoder(0).texts().at(-1)).toBe('i9');
    encoder(0).answer('b2');
    expect(encoder(0).texts()).not.toContain('b9');
  });
});

test('interactive tasks that came while the model was loading go before batch tasks that came earlier', () => {
  const { encoder, bulk, interactive } = poolOf();
  void bulk('b1', 'b2');
  void interactive('i1', 'i2');
  encoder(0).load();
  expect(encoder(0).texts()).toEqual(['i1', 'i2', 'b1', 'b2']);
});

describe('too many interactive tasks', () => {
  test('are refused above the limit, with the time to wait', async () => {
    const { interactive } = poolOf({ maxInteractive: 2 });
    const [, , third] = interactive('i1', 'i2', 'i3');
    await expect(third).rejects.toMatchObject({ code: 'overloaded', retryAfter: 1 });
  });

  test('are admitted again when some have gone to an encoder', async () => {
    const { encoder, interactive } = poolOf({ maxInteractive: 2 });
    void interactive('i1', 'i2');
    encoder(0).load();
    const [third] = interactive('i3');
    encoder(0).answer('i3');
    await expect(third).resolves.toEqual(embeddingOf(1));
  });

  test('are counted without batch tasks', async () => {
    const { encoder, bulk, interactive } = poolOf({ maxInteractive: 1 });
    void bulk(...named('b', 20));
    const [only] = interactive('i1');
    encoder(0).load();
    encoder(0).answer('i1');
    await expect(only).resolves.toEqual(embeddingOf(1));
  });
});

describe('when an encoder dies', () => {
  test('its work runs again in the next process, one task at a time', async () => {
    const { encoder, bulk } = poolOf();
    encoder(0).load();
    const all = bulk('a', 'b', 'c');
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    const alone: string[][] = [];
    for (const text of ['a', 'b', 'c']) {
      alone.push(encoder(1).texts());
      encoder(1).answer(text);
    }
    expect(alone).toEqual([['a'], ['b'], ['c']]);
    await expect(Promise.all(all)).resolves.toHaveLength(3);
  });

  test('other work waits until the last of them is done', async () => {
    const { encoder, bulk, interactive } = poolOf();
    encoder(0).load();
    void bulk('a', 'b');
    encoder(0).die();
    await replacementStarts();
    void bulk('later');
    void interactive('sooner');
    encoder(1).load();
    expect(encoder(1).texts()).toEqual(['a']);
    encoder(1).answer('a');
    expect(encoder(1).texts()).toEqual(['b']);
    encoder(1).answer('b');
    expect(encoder(1).texts()).toEqual(['sooner', 'later']);
  });

  test('the other encoders continue meanwhile', async () => {
    const { encoder, bulk } = poolOf({ encoders: 2 });
    encoder(0).load();
    encoder(1).load();
    void bulk('a', 'b');
    encoder(0).die();
    void bulk('c', 'd');
    expect(encoder(1).texts()).toEqual(['b', 'c', 'd']);
  });

  test('an item that kills alone twice is poison, and its neighbours succeed', async () => {
    const { encoder, bulk } = poolOf();
    encoder(0).load();
    const [a, poison, c] = bulk('a', 'poison', 'c');
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    encoder(1).answer('a');
    expect(encoder(1).texts()).toEqual(['poison']);
    encoder(1).die();
    await replacementStarts();
    encoder(2).load();
    encoder(2).answer('c');
    expect(encoder(2).texts()).toEqual(['poison']);
    encoder(2).die('SIGABRT');
    await expect(poison).rejects.toMatchObject({
      code: 'internal.poison',
      message: expect.stringContaining('SIGABRT'),
    });
    await expect(Promise.all([a, c])).resolves.toHaveLength(2);
  });

  test('an item that was alone in one death is not poison', async () => {
    const { encoder, bulk } = poolOf();
    encoder(0).load();
    const [unlucky] = bulk('unlucky');
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    encoder(1).answer('unlucky');
    await expect(unlucky).resolves.toEqual(embeddingOf(1));
  });

  test('a death in company is not counted against an item', async () => {
    const { encoder, bulk } = poolOf();
    encoder(0).load();
    const all = bulk('a', 'b');
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    expect(encoder(1).texts()).toEqual(['a']);
    encoder(1).die();
    await replacementStarts();
    encoder(2).load();
    encoder(2).answer('b');
    encoder(2).answer('a');
    await expect(Promise.all(all)).resolves.toHaveLength(2);
  });

  test('without work, it is replaced too', async () => {
    const { launched, encoder, bulk } = poolOf();
    encoder(0).load();
    encoder(0).die();
    await replacementStarts();
    expect(launched).toHaveLength(2);
    encoder(1).load();
    void bulk('a', 'b');
    expect(encoder(1).texts()).toEqual(['a', 'b']);
  });

  test('its late message that it was loaded gives the next process no work before that is loaded', async () => {
    const events: EncoderEvents[] = [];
    const sent: ToEncoder[] = [];
    const { bulk } = poolOf({
      launch(of) {
        events.push(of);
        return { pid: 1, send: (message) => void sent.push(message), kill() {} };
      },
    });
    void bulk('a');
    events[0]?.onExit('SIGSEGV');
    events[0]?.onMessage({ type: 'loaded', verified: false });
    await vi.advanceTimersByTimeAsync(500);
    events[0]?.onMessage({ type: 'loaded', verified: false });
    void bulk('b');
    expect(sent.map(({ type }) => type)).toEqual(['load', 'load']);
  });

  test('its late answer changes nothing', async () => {
    const { encoder, bulk } = poolOf();
    encoder(0).load();
    const [embedded] = bulk('a');
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    encoder(0).answer('a', embeddingOf(0));
    encoder(1).answer('a', embeddingOf(1));
    await expect(embedded).resolves.toEqual(embeddingOf(1));
  });

  test('its work is not lost when the next process cannot be loaded while another encoder is ready', async () => {
    const { launched, encoder, bulk } = poolOf({ encoders: 2 });
    encoder(0).load();
    encoder(1).load();
    const [a] = bulk('a', 'b');
    encoder(1).answer('b');
    encoder(0).die();
    let settled = false;
    a?.catch(() => {}).finally(() => {
      settled = true;
    });
    // For a minute no process can be loaded in its place, and the other encoder answers everything.
    for (let seconds = 0; seconds < 60; seconds++) {
      await vi.advanceTimersByTimeAsync(1_000);
      const next = launched.at(-1);
      if (next !== encoder(1) && next?.killed === false) next.failToLoad('not enough memory');
      for (const text of encoder(1).texts()) encoder(1).answer(text);
    }
    expect(launched.length).toBeGreaterThan(3);
    expect(settled).toBe(true);
  });
});

describe('when the model cannot be loaded', () => {
  test('waiting callers get the reason', async () => {
    const { pool, encoder, bulk, interactive } = poolOf();
    const waiting = [pool.whenReady(), ...bulk('a'), ...interactive('b')];
    const outcomes = Promise.allSettled(waiting);
    encoder(0).failToLoad('the graph is damaged');
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'model.unavailable', retryAfter: 5, message: expect.stringContaining('the graph is damaged') },
      });
    }
    expect(pool.state()).toMatchObject({ state: 'failed', ready: 0, waiting: 0 });
    expect(pool.state().detail).toBe('the graph is damaged; next attempt in 1 s');
  });

  test('the encoder that failed is ended', async () => {
    const { encoder } = poolOf();
    encoder(0).failToLoad('the graph is damaged');
    expect(encoder(0).killed).toBe(true);
  });

  test('later work is refused at once', async () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).failToLoad('the graph is damaged');
    await replacementStarts();
    await expect(bulk('a')[0]).rejects.toMatchObject({ code: 'model.unavailable' });
    await expect(pool.whenReady()).rejects.toMatchObject({ code: 'model.unavailable' });
  });

  test('an encoder that dies while it loads counts as a failure', async () => {
    const { pool, encoder, bulk } = poolOf();
    const [embedded] = bulk('a');
    encoder(0).die('SIGKILL');
    await expect(embedded).rejects.toMatchObject({ code: 'model.unavailable' });
    expect(pool.state()).toMatchObject({ state: 'failed', detail: expect.stringContaining('SIGKILL') });
  });

  /** Fails so many attempts to load the model. @returns the pause after each, in seconds. */
  async function failAttempts({ launched }: Setup, count: number): Promise<number[]> {
    const pauses: number[] = [];
    while (pauses.length < count) {
      launched.at(-1)?.failToLoad('the graph is damaged');
      const started = launched.length;
      const from = Date.now();
      while (launched.length === started) await vi.advanceTimersToNextTimerAsync();
      pauses.push((Date.now() - from) / 1000);
    }
    return pauses;
  }

  test('it is retried after pauses that double up to five minutes, and the state has the time of the next', async () => {
    const setup = poolOf();
    expect(await failAttempts(setup, 12)).toEqual([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    setup.launched.at(-1)?.failToLoad('the graph is damaged');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(setup.pool.state().detail).toBe('the graph is damaged; next attempt in 200 s');
    await expect(setup.bulk('a')[0]).rejects.toMatchObject({ code: 'model.unavailable', retryAfter: 200 });
  });

  test('a change of its files or its entry retries it at once, with the current ones', async () => {
    const setup = poolOf();
    await failAttempts(setup, 10);
    setup.launched.at(-1)?.failToLoad('the graph is damaged');
    await vi.advanceTimersByTimeAsync(1_000);
    const started = setup.launched.length;
    setup.pool.refresh({ ...tinyClip, goldenPath: undefined, visionPath: '/elsewhere' });
    expect(setup.launched.length).toBe(started + 1);
    expect(setup.launched.at(-1)?.sent[0]).toMatchObject({ type: 'load', spec: { visionPath: '/elsewhere' } });
    expect(await failAttempts(setup, 2)).toEqual([0.5, 1]);
  });

  test('the first encoder that loads it makes the others retry at once', async () => {
    const { launched } = poolOf({ encoders: 2 });
    launched[0]?.failToLoad('not enough memory');
    launched[1]?.failToLoad('not enough memory');
    await vi.advanceTimersByTimeAsync(500);
    launched[2]?.failToLoad('not enough memory');
    await vi.advanceTimersByTimeAsync(1);
    expect(launched).toHaveLength(4);
    launched[3]?.load();
    expect(launched).toHaveLength(5);
  });

  test('a later success serves new work and clears the error', async () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).failToLoad('the graph is damaged');
    await vi.advanceTimersByTimeAsync(500);
    encoder(1).load();
    const [embedded] = bulk('a');
    encoder(1).answer('a');
    await expect(embedded).resolves.toEqual(embeddingOf(1));
    expect(pool.state()).toMatchObject({ state: 'ready', detail: null });
  });

  test('in one encoder, the others serve the waiting tasks', async () => {
    const { encoder, bulk } = poolOf({ encoders: 2 });
    encoder(0).load();
    const [embedded] = bulk('a');
    encoder(1).failToLoad('not enough memory');
    await replacementStarts();
    encoder(0).answer('a');
    await expect(embedded).resolves.toEqual(embeddingOf(1));
  });
});

describe('a task that hangs', () => {
  test('ends its encoder after the time a task may take, and its neighbours run again', async () => {
    const { encoder, bulk } = poolOf({ taskTimeoutMs: 60_000 });
    encoder(0).load();
    const [, neighbour] = bulk('hangs', 'neighbour');
    await vi.advanceTimersByTimeAsync(59_999);
    expect(encoder(0).killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(encoder(0).killed).toBe(true);
    await replacementStarts();
    encoder(1).load();
    // It hangs here too, and is alone this time.
    expect(encoder(1).texts()).toEqual(['hangs']);
    await vi.advanceTimersByTimeAsync(60_000);
    await replacementStarts();
    encoder(2).load();
    encoder(2).answer('neighbour');
    await expect(neighbour).resolves.toEqual(embeddingOf(1));
  });

  test('is poison when it hangs alone twice', async () => {
    const { encoder, bulk } = poolOf({ taskTimeoutMs: 1_000 });
    encoder(0).load();
    const [embedded] = bulk('hangs');
    await vi.advanceTimersByTimeAsync(1_000);
    await replacementStarts();
    encoder(1).load();
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(embedded).rejects.toMatchObject({ code: 'internal.poison' });
  });

  test('that is answered in time ends nothing', async () => {
    const { launched, encoder, bulk } = poolOf({ taskTimeoutMs: 1_000 });
    encoder(0).load();
    const [embedded] = bulk('slow');
    await vi.advanceTimersByTimeAsync(999);
    encoder(0).answer('slow');
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(embedded).resolves.toEqual(embeddingOf(1));
    expect([launched.length, encoder(0).killed]).toEqual([1, false]);
  });
});

describe('an encoder that is slow', () => {
  test('is not ended while it answers, however long a task waits in it', async () => {
    const { launched, encoder, bulk } = poolOf({ taskTimeoutMs: 60_000 });
    encoder(0).load();
    const texts = ['a', 'b', 'c', 'd'];
    const embedded = bulk(...texts);
    for (const text of texts) {
      await vi.advanceTimersByTimeAsync(59_000);
      encoder(0).answer(text);
    }
    await Promise.all(embedded);
    await vi.advanceTimersByTimeAsync(600_000);
    expect([launched.length, encoder(0).killed]).toEqual([1, false]);
  });

  test('is not ended while its runs end, even if all of them were for other tasks', async () => {
    const { encoder, bulk } = poolOf({ taskTimeoutMs: 60_000 });
    encoder(0).load();
    void bulk('a');
    await vi.advanceTimersByTimeAsync(59_000);
    encoder(0).ran(1);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(encoder(0).killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(encoder(0).killed).toBe(true);
  });

  /** The encoder answers a task each second, and another one never. */
  async function answerOthers(encoder: FakeEncoder, bulk: (text: string) => unknown, seconds: number) {
    for (let second = 0; second < seconds; second++) {
      expect(encoder.killed).toBe(false);
      void bulk(`after ${second}`);
      await vi.advanceTimersByTimeAsync(1_000);
      encoder.answer(`after ${second}`);
    }
  }

  test('is ended for decoding that hangs in it while other tasks are answered', async () => {
    const { encoder, bulk } = poolOf({ taskTimeoutMs: 60_000 });
    encoder(0).load();
    void bulk('hangs');
    encoder(0).slowDecode('hangs');
    await answerOthers(encoder(0), bulk, 60);
    expect(encoder(0).killed).toBe(true);
  });

  test('is not ended for a task that waits in it while other tasks are answered', async () => {
    const { encoder, bulk } = poolOf({ taskTimeoutMs: 60_000 });
    encoder(0).load();
    const [waits] = bulk('waits');
    await answerOthers(encoder(0), bulk, 200);
    encoder(0).answer('waits');
    await expect(waits).resolves.toEqual(embeddingOf(1));
    expect(encoder(0).killed).toBe(false);
  });

  test('is not ended when slow decoding ends', async () => {
    const { encoder, bulk } = poolOf({ taskTimeoutMs: 60_000 });
    encoder(0).load();
    void bulk('slow');
    encoder(0).slowDecode('slow');
    await answerOthers(encoder(0), bulk, 59);
    encoder(0).answer('slow');
    await answerOthers(encoder(0), bulk, 200);
    expect(encoder(0).killed).toBe(false);
  });
});

describe('tenants', () => {
  test('are named to the encoder with each task, images and texts', () => {
    const { pool, encoder } = poolOf();
    encoder(0).load();
    for (const input of [{ text: 'a' }, { image: Buffer.from('b') }])
      for (const interactive of [true, false]) pool.embed(input, { interactive, tenant: 'tenant' }).catch(() => {});
    const tasks = encoder(0).sent.filter(({ type }) => type === 'text' || type === 'image');
    expect(tasks).toHaveLength(4);
    for (const task of tasks) expect(task).toMatchObject({ tenant: 'tenant' });
  });

  test('share the encoders fairly: large work of one does not delay another', () => {
    const { pool, encoder } = poolOf();
    encoder(0).load();
    const ask = (tenant: string, ...texts: string[]) => {
      for (const text of texts) pool.embed({ text }, { interactive: false, tenant }).catch(() => {});
    };
    ask('hostile', ...named('h', 20));
    ask('ordinary', ...named('o', 4));
    // The window is full, and the other tenant's first two go to the encoder even so.
    expect(encoder(0).texts()).toEqual([...named('h', 8), 'o1', 'o2']);
    encoder(0).answer('o1');
    encoder(0).answer('o2');
    expect(encoder(0).texts()).toEqual([...named('h', 8), 'o3', 'o4']);
    for (const text of named('h', 3)) encoder(0).answer(text);
    expect(encoder(0).texts().slice(-1)).toEqual(['h9']);
  });

  test('with the fewest requests in flight are next', () => {
    const { pool, encoder } = poolOf();
    encoder(0).load();
    const ask = (tenant: string, ...texts: string[]) => {
      for (const text of texts) pool.embed({ text }, { interactive: true, tenant }).catch(() => {});
    };
    ask('hostile', ...named('h', 40));
    ask('ordinary', ...named('o', 4));
    const before = encoder(0).texts().length;
    for (const text of named('h', 3)) encoder(0).answer(text);
    expect(
      encoder(0)
        .texts()
        .slice(before - 3),
    ).toEqual(['o3']);
  });

  test('are not refused for another that fills the queue of requests', async () => {
    const { pool, encoder } = poolOf({ maxInteractive: 3 });
    const ask = (tenant: string, text: string) => pool.embed({ text }, { interactive: true, tenant });
    const hostile = named('h', 3).map((text) => ask('hostile', text));
    for (const waiting of hostile) waiting.catch(() => {});
    await expect(ask('hostile', 'h4')).rejects.toMatchObject({ code: 'overloaded' });
    const ordinary = ask('ordinary', 'o1');
    await expect(hostile[2]).rejects.toMatchObject({ code: 'overloaded' });
    encoder(0).load();
    encoder(0).answer('o1');
    await expect(ordinary).resolves.toEqual(embeddingOf(1));
  });
});

describe('a task that is aborted', () => {
  test('leaves the queue, and the encoder never gets it', async () => {
    const { pool, encoder } = poolOf();
    const abort = new AbortController();
    const embedded = pool.embed({ text: 'left' }, { interactive: false, signal: abort.signal });
    abort.abort(new Error('the client left'));
    await expect(embedded).rejects.toThrow('the client left');
    encoder(0).load();
    expect(encoder(0).texts()).toEqual([]);
    expect(pool.state()).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  test('in flight ends for its caller at once, the encoder leaves it out, and its place is free with the answer', async () => {
    const { pool, encoder } = poolOf();
    encoder(0).load();
    const abort = new AbortController();
    const embedded = pool.embed({ text: 'left' }, { interactive: false, signal: abort.signal });
    abort.abort(new Error('the client left'));
    await expect(embedded).rejects.toThrow('the client left');
    expect(encoder(0).sent.at(-1)).toEqual({ type: 'cancel', id: 1 });
    expect(pool.state()).toMatchObject({ inFlight: 1 });
    encoder(0).fail('left', 'cancelled', 'not needed');
    expect(pool.state()).toMatchObject({ inFlight: 0 });
  });

  test('is not done again after its encoder has died', async () => {
    const { pool, encoder } = poolOf();
    encoder(0).load();
    const abort = new AbortController();
    pool.embed({ text: 'left' }, { interactive: false, signal: abort.signal }).catch(() => {});
    abort.abort();
    encoder(0).die();
    await replacementStarts();
    encoder(1).load();
    expect(encoder(1).texts()).toEqual([]);
    expect(pool.state()).toMatchObject({ waiting: 0, inFlight: 0 });
  });
});

describe('a pool that is closed', () => {
  const outcomeOf = async (embedded: Promise<unknown> | undefined) => {
    let outcome: unknown = 'pending';
    void embedded?.then(
      () => {
        outcome = 'fulfilled';
      },
      (error: unknown) => {
        outcome = error;
      },
    );
    // Longer than any timer of the pool.
    await vi.advanceTimersByTimeAsync(600_000);
    return outcome;
  };

  test('rejects what waits', async () => {
    const { pool, bulk, interactive } = poolOf();
    const outcomes = Promise.allSettled([...bulk('a'), ...interactive('b'), pool.whenReady()]);
    pool.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'overloaded', retryAfter: 5 } });
    }
  });

  test('rejects what is in an encoder', async () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).load();
    const [embedded] = bulk('a');
    pool.close();
    expect(await outcomeOf(embedded)).toMatchObject({ code: 'overloaded' });
  });

  test('rejects the tasks of a dead encoder', async () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).load();
    const [embedded] = bulk('a');
    encoder(0).die();
    pool.close();
    expect(await outcomeOf(embedded)).toMatchObject({ code: 'overloaded' });
  });

  test('takes no more work', async () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).load();
    pool.close();
    await expect(bulk('a')[0]).rejects.toMatchObject({ code: 'overloaded' });
  });

  test('ends its encoders and starts no others', async () => {
    const { pool, launched, encoder } = poolOf({ encoders: 2 });
    encoder(0).load();
    pool.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(launched.map(({ killed }) => killed)).toEqual([true, true]);
  });

  test('starts no process for an encoder that died before', async () => {
    const { pool, launched, encoder } = poolOf();
    encoder(0).load();
    encoder(0).die();
    pool.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(launched).toHaveLength(1);
  });

  test('leaves no timer behind, which would keep the process alive', async () => {
    const { pool, encoder, bulk } = poolOf();
    encoder(0).failToLoad('not enough memory');
    await vi.advanceTimersByTimeAsync(500);
    encoder(1).load();
    void bulk('a', 'b');
    encoder(1).die();
    pool.close();
    await Promise.resolve();
    expect(vi.getTimerCount()).toBe(0);
  });
});
