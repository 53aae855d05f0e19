import type { Chunks } from '../batches/chunks.ts';
import type { JobData, StoredItem } from '../batches/payload.ts';
import { payloadVersion } from '../batches/payload.ts';
import type { Verdict } from '../batches/queues.ts';
import type { Evaluation, Outcome, Pair } from '../evaluation/evaluation.ts';
import { preprocessVersion } from '../models/model.ts';
import type { Registry } from '../models/registry.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';

export interface ChunkProcessorDeps {
  chunks: Chunks;
  evaluation: Evaluation;
  registry: Registry;
  metrics: Metrics;
  log: Logger;
}

/** How long a chunk that cannot be evaluated here waits before it is offered again, in milliseconds. */
const handBackDelayMs = 5_000;

/** Pull, evaluate, commit: the life of one chunk in a worker. */
export function createChunkProcessor({ chunks, evaluation, registry, metrics, log }: ChunkProcessorDeps) {
  return async (job: JobData, profile: string): Promise<Verdict> => {
    if (job.v > payloadVersion)
      return { handBack: `needs a release with payload version ${job.v}`, delayMs: handBackDelayMs };
    const start = performance.now();
    const picked = await chunks.pick(job, profile);
    if (picked.verdict !== 'run') return { done: picked.verdict };

    const handBack = async (reason: string): Promise<Verdict> => {
      await chunks.release(job);
      log.warn({ batchId: job.batchId, chunk: job.chunk, reason }, 'chunk handed back');
      return { handBack: reason, delayMs: handBackDelayMs };
    };
    const { pinned, input } = picked;
    let outcomes: Outcome[];
    try {
      const { spec } = await registry.resolve(pinned.model);
      const here = { revision: spec.revision, precision: spec.precision, preprocess: preprocessVersion };
      for (const part of ['revision', 'precision', 'preprocess'] as const) {
        if (here[part] !== pinned[part]) {
          return await handBack(`the batch is pinned to ${part} ${pinned[part]}, this worker has ${here[part]}`);
        }
      }
      outcomes = await evaluation.evaluate(spec, input.items.map(toPair));
    } catch (error) {
      // A fault of this worker says nothing about the items: another worker, or this one later, takes them.
      if (error instanceof ServiceError) return await handBack(`${error.code}: ${error.message}`);
      throw error;
    }

    const results = outcomes.map((outcome, at) => toResult(outcome, input.items[at], input.offset + at));
    const { verdict } = await chunks.commit(job, results);
    const seconds = (performance.now() - start) / 1000;
    metrics.chunk(profile, seconds);
    if (verdict === 'committed') count(results, metrics);
    log.debug({ batchId: job.batchId, chunk: job.chunk, items: results.length, verdict, seconds }, 'chunk');
    return { done: verdict };
  };
}

const toPair = (item: StoredItem): Pair =>
  'error' in item ? { error: item.error } : { image: item.image, text: item.text };

function toResult(outcome: Outcome, item: StoredItem | undefined, index: number): ItemResult {
  const { id, metadata } = item ?? {};
  return { index, ...(id !== undefined && { id }), ...(metadata !== undefined && { metadata }), ...outcome };
}

function count(results: readonly ItemResult[], metrics: Metrics): void {
  for (const result of results) {
    if (result.status === 'cancelled') continue;
    const code = result.status === 'failed' ? result.error.code : '';
    metrics.items({ mode: 'batch', outcome: result.status, code }, 1);
  }
}
