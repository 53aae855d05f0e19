import type { Committed } from '../batches/lifecycle/chunks.ts';
import type { InputChunk, JobData } from '../batches/store/payload.ts';
import { terminalStates } from '../shared/contracts/batch/status.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { noteAttributes, noteEvent } from '../shared/telemetry/spans.ts';
import { failuresByHost } from './failures-by-host.ts';

/** The maximum number of failed items in the trace and the job log of a chunk. */
const failuresNamed = 5;

/** A scored chunk, with the result of its commit. `seconds` is its time in this worker. */
export interface ChunkReport {
  job: JobData;
  queue: string;
  input: InputChunk;
  results: readonly ItemResult[];
  committed: Committed;
  seconds: number;
}

/**
 * Logs a chunk, and adds its failed items to the trace.
 * @returns the result and the log lines of its job.
 */
export function reportChunk(
  log: Logger,
  { job, queue, input, results, committed: { verdict }, seconds }: ChunkReport,
): { done: object; log: string[] } {
  const failed = results.filter((result) => result.status === 'failed');
  const named = failed.slice(0, failuresNamed);
  for (const { index, error } of named) {
    noteEvent('item failed', { 'vls.index': index, 'vls.code': error.code, 'vls.message': error.message });
  }
  noteAttributes({ 'vls.failed': failed.length, 'vls.verdict': verdict });
  const images = input.items.map(({ image }) => image);
  log.info(
    {
      batchId: job.batchId,
      chunk: job.chunk,
      queue,
      items: results.length,
      failed: failed.length,
      ...(failed.length > 0 && { failures: failuresByHost(results, images) }),
      verdict,
      ms: Math.round(seconds * 1000),
    },
    'chunk',
  );
  return {
    done: { verdict, succeeded: results.length - failed.length, failed: failed.length },
    // Without the message, which may quote the item: the log of a job is stored longer than the batch.
    log: named.map(({ index, error }) => `item ${index}: ${error.code}`),
  };
}

/** Counts the items of a committed chunk by error code, and the batch if this commit has ended it. */
export function countCommitted(metrics: Metrics, results: readonly ItemResult[], committed: Committed): void {
  if (committed.verdict !== 'committed') return;
  const byCode = new Map<string, number>();
  for (const result of results) {
    const code = result.status === 'failed' ? result.error.code : '';
    byCode.set(code, (byCode.get(code) ?? 0) + 1);
  }
  for (const [code, items] of byCode) {
    metrics.items({ mode: 'batch', outcome: code === '' ? 'succeeded' : 'failed', code }, items);
  }
  if (terminalStates.has(committed.state)) metrics.count('vls_batches_finished_total', { state: committed.state });
}
