import type { Chunks } from '../batches/chunks.ts';
import { echoed, type InputChunk, payloadVersion, type StoredItem } from '../batches/payload.ts';
import type { Delivery, Verdict } from '../batches/queues.ts';
import type { Evaluation, Outcome, Pair } from '../evaluation/evaluation.ts';
import { textVersion } from '../models/model.ts';
import type { Registry } from '../models/registry/registry.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { hasNoNetwork } from './network-fault.ts';

export interface ChunkProcessorDeps {
  chunks: Chunks;
  evaluation: Evaluation;
  registry: Registry;
  metrics: Metrics;
  log: Logger;
  /** Aborted when the worker stops: what is not yet begun is handed back. */
  stopping: AbortSignal;
  /** Told what is wrong with this worker, or that nothing is. */
  onHealth: (fault: string | null) => void;
}

/** After a fault of this worker: how long the chunk waits, and how long the worker takes nothing, in milliseconds. */
const faultDelayMs = 5_000;
/** A chunk that is only not for this worker waits this long, in milliseconds, and the worker goes on with others. */
const mismatchDelayMs = 1_000;
/** After so many starts of a chunk, hosts that cannot be reached are taken to be the hosts' fault. */
const startsWithoutNetwork = 3;

/** Pull, evaluate, commit: the life of one chunk in a worker. */
export function createChunkProcessor(deps: ChunkProcessorDeps) {
  const { chunks, evaluation, registry, metrics, log, stopping, onHealth } = deps;

  return async ({ data: job, starts }: Delivery, profile: string): Promise<Verdict> => {
    if (job.v > payloadVersion) {
      return { handBack: `needs a release with payload version ${job.v}`, delayMs: mismatchDelayMs, pauseMs: 0 };
    }
    const start = performance.now();
    const picked = await chunks.pick(job, profile);
    if (picked.verdict !== 'run') return { done: { verdict: picked.verdict } };

    const handBack = async (reason: string, fault = true): Promise<Verdict> => {
      await chunks.release(job);
      if (fault) onHealth(reason);
      log.warn({ batchId: job.batchId, chunk: job.chunk, reason }, 'chunk handed back');
      return fault
        ? { handBack: reason, delayMs: faultDelayMs, pauseMs: faultDelayMs }
        : { handBack: reason, delayMs: mismatchDelayMs, pauseMs: 0 };
    };
    const { pinned, input, edges } = picked;
    let outcomes: Outcome[];
    try {
      const spec = await registry.resolvePinned({ ...pinned, textCleaning: pinned.textCleaning ?? textVersion });
      if ('difference' in spec) return await handBack(`this worker has ${spec.difference}`, false);
      const { longText } = pinned;
      outcomes = await evaluation.evaluate(spec, input.items.map(toPair), { longText, signal: stopping });
    } catch (error) {
      // A fault of this worker says nothing about the items: another worker, or this one later, takes them.
      if (error instanceof ServiceError) return await handBack(`${error.code}: ${error.message}`);
      throw error;
    }
    if (starts < startsWithoutNetwork && hasNoNetwork(input.items, outcomes)) {
      return await handBack('no image host can be reached from here');
    }
    onHealth(null);

    const results = toResults(input, outcomes);
    const committed = await chunks.commit(job, input, results, edges);
    const { verdict } = committed;
    const seconds = (performance.now() - start) / 1000;
    metrics.chunk(profile, seconds);
    if (verdict === 'committed' || verdict === 'late') count(results, metrics);
    const failed = results.filter((result) => result.status === 'failed');
    log.debug(
      { batchId: job.batchId, chunk: job.chunk, items: results.length, failed: failed.length, verdict, seconds },
      'chunk',
    );
    return {
      done: { verdict, succeeded: results.length - failed.length, failed: failed.length },
      log: failed.slice(0, 5).map(({ index, error }) => `item ${index}: ${error.code}: ${error.message}`),
    };
  };
}

const toPair = (item: StoredItem): Pair =>
  'error' in item ? { error: item.error } : { image: item.image, text: item.text };

const toResults = ({ items, offset }: InputChunk, outcomes: readonly Outcome[]): ItemResult[] =>
  items.flatMap((item, at) => {
    const outcome = outcomes[at];
    return outcome === undefined ? [] : [{ index: offset + at, ...echoed(item), ...outcome }];
  });

function count(results: readonly ItemResult[], metrics: Metrics): void {
  const counts = new Map<string, number>();
  for (const result of results) {
    const code = result.status === 'failed' ? result.error.code : '';
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  for (const [code, items] of counts) {
    metrics.items({ mode: 'batch', outcome: code === '' ? 'succeeded' : 'failed', code }, items);
  }
}
