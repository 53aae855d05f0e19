import { expect, test } from 'vitest';
import type { Chunks } from '../../../batches/chunks.ts';
import { payloadVersion } from '../../../batches/payload.ts';
import { type Code, ServiceError } from '../../../shared/errors.ts';
import { createMetrics } from '../../../shared/metrics.ts';
import { createChunkProcessor } from '../../../worker/chunk-processor.ts';
import { silentLog } from '../../support/silent-log.ts';

/** What becomes of a chunk whose items cannot be read, and what the worker says of itself. */
async function readingFails(cause: Code) {
  const faults: (string | null)[] = [];
  const process = createChunkProcessor({
    chunks: {
      pick: async () => {
        const reason = new ServiceError(cause, 'as the store says it');
        throw new ServiceError('storage.unavailable', 'The bucket cannot be used now', { cause: reason });
      },
      release: async () => {},
    } as Partial<Chunks> as Chunks,
    speed: { add: () => {} },
    traffic: { evaluate: async () => [] },
    metrics: createMetrics(),
    log: silentLog(),
    stopping: new AbortController().signal,
    onHealth: (fault) => faults.push(fault),
  });
  const data = { v: payloadVersion, tenant: 'default', batchId: 'b', chunk: 0 };
  return { verdict: await process({ data, starts: 0, waitedMs: 0 }, 'compact'), faults };
}

test('a worker rests while the bucket is away', async () => {
  const { verdict, faults } = await readingFails('storage.unavailable');
  expect(verdict).toMatchObject({ handBack: expect.stringContaining('cannot be used'), pauseMs: 5_000 });
  expect(faults).toEqual([expect.stringContaining('cannot be used')]);
});

test('a chunk whose object is gone is handed back, and the worker goes on with other batches', async () => {
  const { verdict, faults } = await readingFails('storage.not_found');
  expect(verdict).toMatchObject({ handBack: expect.stringContaining('cannot be used'), pauseMs: 0 });
  expect(faults).toEqual([]);
});
