import type { Chunks, Committed, Picked } from '../batches/lifecycle/chunks.ts';
import type { Speed } from '../batches/metrics/speed.ts';
import type { Delivery, HandBack, Verdict } from '../batches/queue/chunk-consumer.ts';
import { echoed, type InputChunk, type JobData, payloadVersion, type StoredItem } from '../batches/store/payload.ts';
import { isLost } from '../batches/store/payload-store.ts';
import type { Pair } from '../evaluation/outcome.ts';
import { terminalStates } from '../shared/contracts/batch.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { noteAttributes, noteEvent, pastSpan, traceChunk, traced } from '../shared/telemetry/spans.ts';
import type { RoutedOutcome } from '../traffic/shared-evaluation.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { failuresByHost } from './failures-by-host.ts';
import { createNetworkFault, networkEvidence } from './network-fault.ts';
import type { StoppedBatches } from './stopped-batches.ts';

export interface ChunkProcessorDeps {
  chunks: Chunks;
  speed: Pick<Speed, 'add'>;
  traffic: Pick<Traffic, 'scorePairs'>;
  metrics: Metrics;
  log: Logger;
  /** Aborted when the worker stops: what is not yet begun is handed back. */
  stopping: AbortSignal;
  /** Tells which batches are stopped while their chunks are evaluated. */
  stoppedBatches: Pick<StoppedBatches, 'follow'>;
  /** Told what is wrong with this worker, or that nothing is. */
  onHealth: (fault: string | null) => void;
}

/** After a fault of this worker: how long the chunk waits, and how long the worker takes nothing, in milliseconds. */
const faultDelayMs = 5_000;
/** A chunk that is only not for this worker waits this long, in milliseconds, and the worker goes on with others. */
const mismatchDelayMs = 1_000;
/** After so many starts of a chunk, hosts that cannot be reached are taken to be the hosts' fault. */
const startsWithoutNetwork = 3;

/** After so many starts an object that is not there is gone for good: some stores list a new one late. */
const startsWithoutInput = 2;

/** After so many starts items fail whose model cannot be used, so that others of the same chunk do not wait for it. */
const startsWithoutModel = 3;
/** A worker that has committed within this time, in milliseconds, can evaluate something. */
const usefulMs = 60_000;

/** Failed items of a chunk that its trace and its job tell of. */
const failuresTold = 5;

/** What may become of a chunk that was taken from the queue. */
export const chunkVerdicts = [
  'committed',
  'already',
  'late',
  'gone',
  'lost',
  'done',
  'stopped',
  'handed_back',
] as const;

/** Pull, evaluate, commit: the life of one chunk in a worker. */
export function createChunkProcessor(deps: ChunkProcessorDeps) {
  const { chunks, speed, traffic, metrics, log, stopping, stoppedBatches, onHealth } = deps;
  const network = createNetworkFault(faultDelayMs);

  let committedAt = Number.NEGATIVE_INFINITY;

  return async ({ data: job, starts, waitedMs }: Delivery, queue: string): Promise<Verdict> => {
    const became = (verdict: (typeof chunkVerdicts)[number]) => metrics.count('vls_chunks_total', { queue, verdict });
    if (job.v > payloadVersion) {
      became('handed_back');
      return { handBack: `needs a release with payload version ${job.v}`, delayMs: mismatchDelayMs, pauseMs: 0 };
    }
    const restMs = network.restMs(job.tenant);
    if (restMs > 0) return { putBack: 'no image host of its tenant can be reached from here', delayMs: restMs };
    const startedAt = Date.now();
    const start = performance.now();
    if (starts === 0) metrics.observe('vls_chunk_wait_seconds', { queue }, waitedMs / 1000);
    let picked: Picked;
    try {
      picked = await chunks.pick(job, queue);
    } catch (error) {
      // The chunk lies where it cannot be read now, which is no fault of its items.
      if (!(error instanceof ServiceError)) throw error;
      if (isLost(error) && starts >= startsWithoutInput) {
        await chunks.fail(job);
        became('lost');
        return { done: { verdict: 'lost' } };
      }
      became('handed_back');
      log.warn({ batchId: job.batchId, chunk: job.chunk, queue, reason: error.message }, 'chunk handed back');
      const reason = `${error.code}: ${error.message}`;
      // One lost object must not keep this worker from the batches of others.
      return isLost(error) ? { handBack: reason, delayMs: faultDelayMs, pauseMs: 0 } : faulty(reason);
    }
    if (picked.verdict !== 'run') {
      became(picked.verdict);
      return { done: { verdict: picked.verdict } };
    }
    const attributes = {
      'vls.batch': job.batchId,
      'vls.chunk': job.chunk,
      'vls.items': picked.input.items.length,
      'vls.queue': queue,
      'vls.starts': starts + 1,
      'vls.waited_ms': waitedMs,
    };
    const { chunk } = job;
    return await traceChunk({ traceparent: picked.traceparent, chunk, attributes, startedAt }, async () => {
      pastSpan('pick', startedAt, startedAt + performance.now() - start, {});
      const verdict = await evaluate(job, picked, queue, starts);
      if ('handBack' in verdict) {
        became('handed_back');
        noteEvent('handed back', { 'vls.reason': verdict.handBack });
        log.warn({ batchId: job.batchId, chunk, queue, reason: verdict.handBack }, 'chunk handed back');
        return verdict;
      }
      if ('stopped' in verdict) {
        became('stopped');
        return { done: { verdict: 'stopped' } };
      }
      const { committed, results } = verdict;
      const seconds = (performance.now() - start) / 1000;
      became(committed.verdict);
      metrics.observe('vls_chunk_duration_seconds', { queue }, seconds);
      const failed = results.filter((result) => result.status === 'failed');
      const told = failed.slice(0, failuresTold);
      for (const { index, error } of told) {
        noteEvent('item failed', { 'vls.index': index, 'vls.code': error.code, 'vls.message': error.message });
      }
      noteAttributes({ 'vls.failed': failed.length, 'vls.verdict': committed.verdict });
      log.info(
        {
          batchId: job.batchId,
          chunk,
          queue,
          items: results.length,
          failed: failed.length,
          ...(failed.length > 0 && {
            failures: failuresByHost(
              results,
              picked.input.items.map(({ image }) => image),
            ),
          }),
          verdict: committed.verdict,
          ms: Math.round(seconds * 1000),
        },
        'chunk',
      );
      return {
        done: { verdict: committed.verdict, succeeded: results.length - failed.length, failed: failed.length },
        // A message may quote the item, and the log of a job outlives its batch.
        log: told.map(({ index, error }) => `item ${index}: ${error.code}`),
      };
    });
  };

  /** A fault of this worker: the chunk waits, and the worker takes nothing meanwhile. */
  function faulty(reason: string): HandBack {
    onHealth(reason);
    return { handBack: reason, delayMs: faultDelayMs, pauseMs: faultDelayMs };
  }

  /**
   * A worker that evaluates chunks of other models does not rest for one that it cannot load. One that can evaluate
   * nothing does, so that it leaves the queue to others.
   */
  function withoutModel(reason: string): HandBack {
    const isUseful = performance.now() - committedAt < usefulMs;
    return isUseful ? { handBack: reason, delayMs: faultDelayMs, pauseMs: 0 } : faulty(reason);
  }

  async function evaluate(
    job: JobData,
    { pinned, input, edges }: Picked & { verdict: 'run' },
    queue: string,
    starts: number,
  ): Promise<HandBack | { stopped: true } | { committed: Committed; results: ItemResult[] }> {
    const handBack = async (reason: string, fault = true): Promise<HandBack> => {
      await chunks.release(job);
      return fault ? faulty(reason) : { handBack: reason, delayMs: mismatchDelayMs, pauseMs: 0 };
    };
    let outcomes: RoutedOutcome[];
    const batch = stoppedBatches.follow(job.batchId);
    try {
      const { longText } = pinned;
      const evaluated = await traffic.scorePairs(pinned, input.items.map(toPair), {
        longText,
        batchId: job.batchId,
        tenant: job.tenant,
        signal: AbortSignal.any([stopping, batch.signal]),
        mayLackModels: starts >= startsWithoutModel,
      });
      if ('difference' in evaluated) {
        await chunks.block(job, `no worker has its model: one has ${evaluated.difference}`);
        return await handBack(`this worker has ${evaluated.difference}`, false);
      }
      outcomes = evaluated;
    } catch (error) {
      if (batch.signal.aborted) {
        await chunks.release(job);
        return { stopped: true };
      }
      // A fault of this worker says nothing about the items: another worker, or this one later, takes them.
      if (error instanceof ServiceError && error.code === 'model.unavailable') {
        await chunks.block(job, error.message);
        await chunks.release(job);
        return withoutModel(`${error.code}: ${error.message}`);
      }
      if (error instanceof ServiceError) return await handBack(`${error.code}: ${error.message}`);
      throw error;
    } finally {
      batch.end();
    }
    const evidence = networkEvidence(input.items, outcomes);
    network.add(job.tenant, evidence);
    if (evidence === 'lost' && starts < startsWithoutNetwork) {
      if (network.isForAll()) return await handBack('no image host can be reached from here');
      await chunks.release(job);
      const reason = 'no image host of its tenant can be reached from here';
      return { handBack: reason, delayMs: faultDelayMs, pauseMs: 0 };
    }

    const results = toResults(input, outcomes);
    const start = performance.now();
    let committed: Committed;
    try {
      committed = await traced('commit', {}, () => chunks.commit(job, input, results, edges));
    } catch (error) {
      if (error instanceof ServiceError) return await handBack(`${error.code}: ${error.message}`);
      throw error;
    }
    onHealth(null);
    committedAt = performance.now();
    metrics.stage('commit', 'batch', (performance.now() - start) / 1000);
    if (committed.verdict === 'committed') {
      count(results, metrics);
      speed.add(queue, results.length);
    }
    if (committed.verdict === 'committed' && terminalStates.has(committed.state)) {
      metrics.count('vls_batches_finished_total', { state: committed.state });
    }
    return { committed, results };
  }
}

const toPair = (item: StoredItem): Pair =>
  'error' in item ? { error: item.error } : { image: item.image, text: item.text };

const toResults = ({ items, offset }: InputChunk, outcomes: readonly RoutedOutcome[]): ItemResult[] =>
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
