import { describe, expect, test } from 'vitest';
import type { Chunks } from '../../../batches/lifecycle/chunks.ts';
import { payloadVersion } from '../../../batches/store/payload.ts';
import { type Code, itemError, ServiceError } from '../../../shared/errors.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import type { RoutedOutcome } from '../../../traffic/shared-evaluation.ts';
import { createChunkProcessor } from '../../../worker/chunk-processor.ts';
import { createStoppedBatches } from '../../../worker/stopped-batches.ts';
import { silentLog } from '../../support/silent-log.ts';

/** The verdict on a chunk whose items cannot be read, and the faults that the worker reports. */
async function readingFails(cause: Code, starts = 0) {
  const ended: string[] = [];
  const faults: (string | null)[] = [];
  const process = createChunkProcessor({
    storedImages: { read: async () => [] },
    chunks: {
      pick: async () => {
        const reason = new ServiceError(cause, 'as the store says it');
        throw new ServiceError('storage.unavailable', 'The bucket cannot be used now', { cause: reason });
      },
      release: async () => {},
      fail: async ({ batchId }) => void ended.push(batchId),
    } as Partial<Chunks> as Chunks,
    speed: { add: () => {} },
    traffic: { answerLines: async () => [], scorePairs: async () => [] },
    metrics: createMetrics(),
    log: silentLog(),
    stopping: new AbortController().signal,
    stoppedBatches: createStoppedBatches(async () => []),
    onHealth: (fault) => faults.push(fault),
  });
  const data = { v: payloadVersion, tenant: 'default', batchId: 'b', chunk: 0 };
  return { verdict: await process({ data, starts, waitedMs: 0 }, 'compact'), faults, ended };
}

test('a worker pauses while the bucket is away', async () => {
  const { verdict, faults } = await readingFails('storage.unavailable');
  expect(verdict).toMatchObject({ handBack: expect.stringContaining('cannot be used'), pauseMs: 5_000 });
  expect(faults).toEqual([expect.stringContaining('cannot be used')]);
});

test('a chunk whose object is gone at the third attempt ends its batch', async () => {
  const { verdict, faults, ended } = await readingFails('storage.not_found', 2);
  expect(verdict).toEqual({ done: { verdict: 'lost' } });
  expect(ended).toEqual(['b']);
  expect(faults).toEqual([]);
});

test('a chunk whose object is not there is handed back at first, and the worker continues with other batches', async () => {
  const { verdict, faults, ended } = await readingFails('storage.not_found');
  expect(ended).toEqual([]);
  expect(verdict).toMatchObject({ handBack: expect.stringContaining('cannot be used'), pauseMs: 0 });
  expect(faults).toEqual([]);
});

test('the log of a job names failed items by index and code, and does not quote them', async () => {
  const error = itemError('image.fetch.dns', 'The host secret.example.org does not exist');
  const item = { image: 'https://secret.example.org/a.jpg', text: 'secret', id: 'secret' };
  const pinned = { model: 'm', revision: '1', precision: 'p', preprocess: 'p', longText: 'truncate' as const };
  const process = createChunkProcessor({
    storedImages: { read: async () => [] },
    chunks: {
      pick: async () => ({ verdict: 'run', pinned, input: { offset: 7, items: [item] }, edges: noEdges }),
      commit: async () => ({ verdict: 'committed', state: 'running' }),
      release: async () => {},
    } satisfies Partial<Chunks> as Partial<Chunks> as Chunks,
    speed: { add: () => {} },
    traffic: { answerLines: async () => [], scorePairs: async () => [{ status: 'failed', error }] },
    metrics: createMetrics(),
    log: silentLog(),
    stopping: new AbortController().signal,
    stoppedBatches: createStoppedBatches(async () => []),
    onHealth: () => {},
  });
  const data = { v: payloadVersion, tenant: 'default', batchId: 'b', chunk: 0 };
  const verdict = await process({ data, starts: 9, waitedMs: 0 }, 'compact');
  expect(verdict).toMatchObject({ log: ['item 7: image.fetch.dns'] });
  expect(JSON.stringify(verdict)).not.toContain('secret');
});
const noEdges = { lowestBelow: 2, highestAbove: -2 };

describe('a worker', () => {
  const dead = ['a', 'b', 'c'].map((host) => ({ image: `https://${host}.example/x.jpg`, text: 't' }));
  const unreachable = { status: 'failed', error: itemError('image.fetch.dns', 'The host does not exist') } as const;
  const pinned = { model: 'm', revision: '1', precision: 'p', preprocess: 'p', longText: 'truncate' as const };

  /** A worker with these outcomes for any tenant; the faults that it reports, and the chunks that it committed. */
  function setUp(evaluate: (signal?: AbortSignal) => Promise<RoutedOutcome[]>, stoppedIds: readonly string[] = []) {
    const faults: (string | null)[] = [];
    const committed: string[] = [];
    const released: string[] = [];
    const picked: string[] = [];
    const blocked: string[] = [];
    const process = createChunkProcessor({
      storedImages: { read: async () => [] },
      chunks: {
        pick: async ({ tenant }) => {
          picked.push(tenant);
          return { verdict: 'run', pinned, input: { offset: 0, items: dead }, edges: noEdges };
        },
        commit: async ({ tenant }) => {
          committed.push(tenant);
          return { verdict: 'committed', state: 'running' };
        },
        release: async ({ tenant }) => void released.push(tenant),
        block: async ({ tenant }, why) => void blocked.push(`${tenant}: ${why}`),
      } satisfies Partial<Chunks> as Partial<Chunks> as Chunks,
      speed: { add: () => {} },
      traffic: { answerLines: async () => [], scorePairs: (_pinned, _pairs, options) => evaluate(options?.signal) },
      metrics: createMetrics(),
      log: silentLog(),
      stopping: new AbortController().signal,
      stoppedBatches: createStoppedBatches(async () => stoppedIds, 1),
      onHealth: (fault) => faults.push(fault),
    });
    const take = (tenant: string, starts = 0) =>
      process(
        { data: { v: payloadVersion, tenant, batchId: `batch of ${tenant}`, chunk: 0 }, starts, waitedMs: 0 },
        'p',
      );
    return { take, faults, committed, released, picked, blocked };
  }

  test('is never paused by the finding of one tenant: only the chunks of that tenant wait', async () => {
    const { take, faults, released, picked } = setUp(async () => dead.map(() => unreachable));
    expect(await take('hostile')).toMatchObject({ handBack: expect.any(String), pauseMs: 0 });
    expect(await take('hostile')).toMatchObject({ putBack: expect.any(String), delayMs: expect.any(Number) });
    expect([picked, released, faults]).toEqual([['hostile'], ['hostile'], []]);
    // The ordinary tenant's chunk is taken.
    await take('ordinary');
    expect(picked).toEqual(['hostile', 'ordinary']);
  });

  test('is paused when two tenants find the network lost, and no host has answered since', async () => {
    const { take, faults } = setUp(async () => dead.map(() => unreachable));
    await take('a');
    expect(await take('b')).toMatchObject({ handBack: expect.any(String), pauseMs: 5_000 });
    expect(faults).toEqual([expect.stringContaining('cannot reach any image host')]);
  });

  test('keeps failures of the network after three starts of a chunk', async () => {
    const { take, committed } = setUp(async () => dead.map(() => unreachable));
    await take('a', 3);
    expect(committed).toEqual(['a']);
  });

  test('pauses when it can load no model, and does not pause for one model while it scores others', async () => {
    let isHere = false;
    const { take, faults, blocked, committed } = setUp(async () => {
      if (!isHere) throw new ServiceError('model.unavailable', 'm cannot be loaded');
      return dead.map(() => ({ status: 'succeeded', score: 30, cosine: 0.3 }));
    });
    expect(await take('a')).toMatchObject({ handBack: expect.stringContaining('model.unavailable'), pauseMs: 5_000 });
    expect(faults).toHaveLength(1);
    isHere = true;
    await take('b');
    isHere = false;
    expect(await take('a')).toMatchObject({ handBack: expect.stringContaining('model.unavailable'), pauseMs: 0 });
    expect([blocked, committed]).toEqual([['a: m cannot be loaded', 'a: m cannot be loaded'], ['b']]);
    // It has reported that it is healthy again.
    expect(faults.at(-1)).toBeNull();
  });

  test('aborts the chunk of a batch that was stopped, and commits nothing of it', async () => {
    const evaluate = (signal?: AbortSignal) =>
      new Promise<RoutedOutcome[]>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    const { take, committed, released, faults } = setUp(evaluate, ['batch of a']);
    expect(await take('a')).toEqual({ done: { verdict: 'stopped' } });
    expect([committed, released, faults]).toEqual([[], ['a'], []]);
  });
});
