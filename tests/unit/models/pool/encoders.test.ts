import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Recipe } from '../../../../models/model.ts';
import { createEncoders, type Encoders } from '../../../../models/pool/encoders.ts';
import { createPool, type EncoderPool } from '../../../../models/pool/pool.ts';
import type { ListedModel } from '../../../../models/registry/registry.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import { readyPool } from '../../../support/fake-encoders.ts';
import { silentLog } from '../../../support/silent-log.ts';

vi.mock('../../../../models/pool/pool.ts', { spy: true });

beforeEach(() => {
  vi.mocked(createPool)
    .mockReset()
    .mockImplementation(
      (): EncoderPool => ({
        embed: () => Promise.reject(new Error('nobody embeds here')),
        whenReady: () => Promise.resolve(),
        state: () => readyPool,
        refresh: vi.fn(),
        pids: () => [],
        close: vi.fn(),
      }),
    );
});

const spec = await specOf(tinyClipFolder, { model: 'tiny' });
/** Six CPUs for three encoders: two threads each. */
const machine = { cpus: 6, memoryBytes: 100_000_000_000 };
const config = {
  encoders: 3,
  imageMaxPixels: 1_000,
  microBatch: undefined,
  modelMemoryBytes: undefined,
  dataDir: '/nowhere',
};

test('a model gets one pool, started with its first use', () => {
  const encoders = createEncoders(config, silentLog(), 1, machine);
  expect(createPool).not.toHaveBeenCalled();
  const pool = encoders.for(spec);
  expect(encoders.for({ ...spec })).toBe(pool);
  expect(createPool).toHaveBeenCalledTimes(1);
  expect(vi.mocked(createPool).mock.calls[0]?.[0]).toMatchObject({ spec, encoders: 3, threads: 2, maxPixels: 1_000 });
});

test('another model, revision or precision is another pool', () => {
  const encoders = createEncoders(config, silentLog(), 1, machine);
  const pools = [
    spec,
    { ...spec, model: 'other' },
    { ...spec, revision: '2' },
    { ...spec, precision: 'int8' as const },
  ];
  expect(new Set(pools.map((each) => encoders.for(each))).size).toBe(4);
});

test('states name the model and the revision of each pool', () => {
  const encoders = createEncoders(config, silentLog(), 1, machine);
  encoders.for(spec);
  encoders.for({ ...spec, revision: '2' });
  expect(encoders.states()).toEqual([
    { model: 'tiny', revision: '1', precision: 'fp32', threads: 2, imagesPerSecond: null, ...readyPool },
    { model: 'tiny', revision: '2', precision: 'fp32', threads: 2, imagesPerSecond: null, ...readyPool },
  ]);
});

test('close closes every pool', () => {
  const encoders = createEncoders(config, silentLog(), 1, machine);
  const pools = [encoders.for(spec), encoders.for({ ...spec, revision: '2' })];
  encoders.close();
  for (const pool of pools) expect(pool.close).toHaveBeenCalledTimes(1);
});

describe('the memory budget', () => {
  const megabyte = 1024 * 1024;
  const oneCpu = { cpus: 1, memoryBytes: 10_000 * megabyte };
  const one = { ...config, encoders: 1, modelMemoryBytes: 1_000 * megabyte };
  const model = (name: string, memory = 400) => ({ ...spec, model: name, memoryBytes: memory * megabyte });
  const names = (encoders: Encoders) => encoders.states().map(({ model: name }) => name);

  test('unloads the least recently used model for another', () => {
    const encoders = createEncoders(one, silentLog(), 1, oneCpu);
    const a = encoders.for(model('a'));
    const b = encoders.for(model('b'));
    encoders.for(model('a'));
    encoders.for(model('c'));
    expect(names(encoders)).toEqual(['a', 'c']);
    expect(a.close).not.toHaveBeenCalled();
    expect(b.close).toHaveBeenCalledTimes(1);
  });

  test('leaves a model alone that is at work, and refuses the other with the reason', () => {
    const encoders = createEncoders(one, silentLog(), 1, oneCpu);
    const busy = encoders.for(model('a', 800));
    busy.state = () => ({ ...readyPool, inFlight: 1 });
    expect(() => encoders.for(model('b'))).toThrow(
      expect.objectContaining({ code: 'model.unavailable', message: expect.stringContaining('a is in use') }),
    );
    busy.state = () => readyPool;
    encoders.for(model('b'));
    expect(names(encoders)).toEqual(['b']);
  });

  test('loads a model that is larger than the budget when it is the only one', () => {
    const encoders = createEncoders(one, silentLog(), 1, oneCpu);
    encoders.for(model('a'));
    encoders.for(model('giant', 5_000));
    expect(names(encoders)).toEqual(['giant']);
  });

  test('a model that was unloaded is loaded again with its next use', () => {
    const encoders = createEncoders(one, silentLog(), 1, oneCpu);
    const first = encoders.for(model('a', 800));
    encoders.for(model('b', 800));
    expect(encoders.for(model('a', 800))).not.toBe(first);
    expect(names(encoders)).toEqual(['a']);
  });
});

describe('a change of the registry', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A registry that has these models, and files of any. */
  const registryOf = (...models: string[]) => ({
    list: async () => models.map((model) => ({ model, revision: '1' }) as ListedModel),
    resolvePinned: async ({ model }: Recipe) => ({ ...spec, model, visionPath: '/now' }),
  });
  const names = (encoders: Encoders) => encoders.states().map(({ model }) => model);
  const minutes = (count: number) => vi.advanceTimersByTimeAsync(count * 61_000);

  test('is applied to loaded models: further encoders use the current files', async () => {
    const encoders = createEncoders(config, silentLog(), 1, machine);
    const pool = encoders.for({ ...spec, model: 'a' });
    await encoders.follow(registryOf('a'));
    expect(pool.refresh).toHaveBeenCalledWith({ ...spec, model: 'a', visionPath: '/now' });
    await minutes(2);
    expect(names(encoders)).toEqual(['a']);
    encoders.close();
  });

  test('that drops a model has it unloaded once it was not used for a minute', async () => {
    const encoders = createEncoders(config, silentLog(), 1, machine);
    const a = encoders.for({ ...spec, model: 'a' });
    encoders.for({ ...spec, model: 'b' });
    await encoders.follow(registryOf('b'));
    expect(names(encoders)).toEqual(['a', 'b']);
    // A batch that is pinned to it continues.
    await vi.advanceTimersByTimeAsync(50_000);
    encoders.for({ ...spec, model: 'a' });
    await vi.advanceTimersByTimeAsync(50_000);
    a.state = () => ({ ...readyPool, inFlight: 1 });
    await minutes(2);
    expect(names(encoders)).toEqual(['a', 'b']);
    a.state = () => readyPool;
    await minutes(1);
    expect(names(encoders)).toEqual(['b']);
    expect(a.close).toHaveBeenCalledTimes(1);
    await minutes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that drops the only model there is leaves it loaded until another is', async () => {
    const encoders = createEncoders(config, silentLog(), 1, machine);
    encoders.for({ ...spec, model: 'a' });
    await encoders.follow(registryOf());
    await minutes(2);
    expect(names(encoders)).toEqual(['a']);
    encoders.for({ ...spec, model: 'b' });
    await minutes(1);
    expect(names(encoders)).toEqual(['b']);
  });

  test('that takes a model up again before it was unloaded leaves it loaded', async () => {
    const encoders = createEncoders(config, silentLog(), 1, machine);
    for (const model of ['a', 'b']) encoders.for({ ...spec, model });
    await encoders.follow(registryOf('b'));
    await encoders.follow(registryOf('a', 'b'));
    await minutes(2);
    expect(names(encoders)).toEqual(['a', 'b']);
    encoders.close();
  });
});

describe('a calibration', () => {
  const calibration = { images: 4, imagesPerSecond: { 1: 10, 4: 20 } };
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'vls-calibration-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));
  const lastOptions = () => vi.mocked(createPool).mock.lastCall?.[0];

  test('is remembered for the next start, and not made again', () => {
    const first = createEncoders({ ...config, dataDir }, silentLog(), 1, machine);
    first.for(spec);
    lastOptions()?.onCalibrated?.(calibration);
    expect(first.states()[0]?.imagesPerSecond).toBe(20);
    const second = createEncoders({ ...config, dataDir }, silentLog(), 1, machine);
    second.for(spec);
    expect(lastOptions()).toMatchObject({ spec: { microBatch: { images: 4 } }, onCalibrated: undefined });
    expect(second.states()[0]?.imagesPerSecond).toBe(20);
  });

  test('holds for one model, precision and number of threads', () => {
    createEncoders({ ...config, dataDir }, silentLog(), 1, machine).for(spec);
    lastOptions()?.onCalibrated?.(calibration);
    createEncoders({ ...config, dataDir }, silentLog(), 1, machine).for({ ...spec, precision: 'int8' });
    expect(lastOptions()?.onCalibrated).toBeDefined();
    createEncoders({ ...config, dataDir, encoders: 6 }, silentLog(), 1, machine).for(spec);
    expect(lastOptions()?.onCalibrated).toBeDefined();
  });

  test('is not made where the micro-batch is configured', () => {
    createEncoders({ ...config, dataDir, microBatch: 3 }, silentLog(), 1, machine).for(spec);
    expect(lastOptions()).toMatchObject({ spec: { microBatch: { images: 3 } }, onCalibrated: undefined });
  });

  test('file that is broken only causes a new measurement', () => {
    writeFileSync(join(dataDir, 'calibration.json'), '{"');
    createEncoders({ ...config, dataDir }, silentLog(), 1, machine).for(spec);
    lastOptions()?.onCalibrated?.(calibration);
    createEncoders({ ...config, dataDir }, silentLog(), 1, machine).for(spec);
    expect(lastOptions()?.onCalibrated).toBeUndefined();
  });
});
