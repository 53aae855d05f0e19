import { expect, test } from 'vitest';
import { responseExamples } from '../../../api/openapi-examples.ts';
import { batchIdOf, outputFileId, outputOf, toOpenAiBatch } from '../../../api/routes/openai/batch-shape.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';

const requests = { endpoint: '/v1/score', inputFileId: 'file-a', window: '24h', metadata: null } as const;
const example = responseExamples['getBatch']?.['200'] as BatchStatus;
const ended = { finishedAt: '2026-11-22T19:50:45.428Z', phase: 'finished' } as const;
const read = (more: Partial<BatchStatus>) => toOpenAiBatch({ ...example, requests, ...more });

test.each<[status: string, more: Partial<BatchStatus>]>([
  ['validating', { state: 'queued', phase: 'waiting' }],
  ['in_progress', { state: 'running' }],
  ['cancelling', { state: 'running', phase: 'stopping' }],
  ['cancelled', { state: 'cancelled', ...ended }],
  ['completed', { state: 'completed', ...ended }],
  ['completed', { state: 'completed_with_errors', ...ended }],
  ['completed', { state: 'failed', reason: 'all_failed', ...ended }],
  ['failed', { state: 'failed', reason: 'model_unavailable', ...ended }],
])('a batch is %s for OpenAI', (status, more) => {
  const batch = read(more);
  expect(batch).toMatchObject({ status, endpoint: '/v1/score', id: `batch_${example.id}` });
  const at = Math.floor(Date.parse(ended.finishedAt) / 1000);
  const times = { completed: batch.completed_at, failed: batch.failed_at, cancelled: batch.cancelled_at };
  for (const [name, time] of Object.entries(times)) expect(time).toBe(name === status ? at : null);
  expect(batch.errors === null).toBe(status !== 'failed');
});

test('a batch names its files once it has ended, each only if it has lines', () => {
  const items = { total: 3, succeeded: 2, failed: 0, cancelled: 1, pending: 0 };
  expect(read({ state: 'running', items })).toMatchObject({ output_file_id: null, error_file_id: null });
  const batch = read({ state: 'cancelled', ...ended, items });
  expect(batch).toMatchObject({ output_file_id: outputFileId(example.id, 'output'), error_file_id: null });
  expect(outputOf(batch.output_file_id ?? '')).toEqual({ batchId: example.id, part: 'output' });
  expect(batchIdOf(batch.id)).toBe(example.id);
});

test('a batch of pairs does not exist for OpenAI, nor does an id that is none', () => {
  const missing = expect.objectContaining({ code: 'batch.not_found' });
  expect(() => toOpenAiBatch(example)).toThrow(missing);
  for (const id of ['batch_1', example.id, `batch_${example.id}:batch`]) expect(() => batchIdOf(id)).toThrow(missing);
  expect(outputOf('file-output-1')).toBeUndefined();
});
