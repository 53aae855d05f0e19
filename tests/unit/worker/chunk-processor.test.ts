import { expect, test } from 'vitest';
import type { Chunks } from '../../../batches/chunks.ts';
import { payloadVersion } from '../../../batches/payload.ts';
import { type Code, itemError, ServiceError } from '../../../shared/errors.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import { createChunkProcessor } from '../../../worker/chunk-processor.ts';
import { silentLog } from '../../support/silent-log.ts';

/** What becomes of a chunk whose items cannot be read, and what the worker says of itself. */
async function readingFails(cause: Code, starts = 0) {
  const ended: string[] = [];
  const faults: (string | null)[] = [];
  const process = createChunkProcessor({
    chunks: {
      pick: async () => {
        const reason = new ServiceError(cause, 'as the store says it');
        throw new ServiceError('storage.unavailable', 'The bucket cannot be used now', { cause: reason });
      },
      release: async () => {},
      fail: async ({ batchId }) => void ended.push(batchId),
    } as Partial<Chunks> as Chunks,
    speed: { add: () => {} },
    traffic: { evaluate: async () => [] },
    metrics: createMetrics(),
    log: silentLog(),
    stopping: new AbortController().signal,
    onHealth: (fault) => faults.push(fault),
  });
  const data = { v: payloadVersion, tenant: 'default', batchId: 'b', chunk: 0 };
  return { verdict: await process({ data, starts, waitedMs: 0 }, 'compact'), faults, ended };
}

test('a worker rests while the bucket is away', async () => {
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

test('the log of a job names failed items by index and code, and quotes nothing of them', async () => {
  const error = itemError('image.fetch.dns', 'The host secret.example.org does not exist');
  const item = { image: 'https://secret.example.org/a.jpg', text: 'secret', id: 'secret' };
  const pinned = { model: 'm', revision: '1', precision: 'p', preprocess: 'p', longText: 'truncate' as const };
  const process = createChunkProcessor({
    chunks: {
      pick: async () => ({ verdict: 'run', pinned, input: { offset: 7, items: [item] }, edges: noEdges }),
      commit: async () => ({ verdict: 'committed', state: 'running' }),
      release: async () => {},
    } satisfies Partial<Chunks> as Partial<Chunks> as Chunks,
    speed: { add: () => {} },
    traffic: { evaluate: async () => [{ status: 'failed', error }] },
    metrics: createMetrics(),
    log: silentLog(),
    stopping: new AbortController().signal,
    onHealth: () => {},
  });
  const data = { v: payloadVersion, tenant: 'default', batchId: 'b', chunk: 0 };
  const verdict = await process({ data, starts: 9, waitedMs: 0 }, 'compact');
  expect(verdict).toMatchObject({ log: ['item 7: image.fetch.dns'] });
  expect(JSON.stringify(verdict)).not.toContain('secret');
});
const noEdges = { lowestBelow: 2, highestAbove: -2 };
