import type { Chunks, Committed, Picked } from '../batches/lifecycle/chunks.ts';
import type { Speed } from '../batches/metrics/speed.ts';
import type { Delivery, HandBack, Verdict } from '../batches/queue/chunk-consumer.ts';
import { type EmbeddingPieces, encodeEmbeddings } from '../batches/store/embeddings.ts';
import { echoed, type InputChunk, type JobData, payloadVersion } from '../batches/store/payload.ts';
import { isLost } from '../batches/store/payload-store.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import { ServiceError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { noteEvent, pastSpan, traceChunk, traced } from '../shared/telemetry/spans.ts';

import { countCommitted, reportChunk } from './chunk-report.ts';
import { createHandingBack, networkDelayMs } from './hand-back.ts';
import { createNetworkFault } from './network-fault.ts';
import { type ChunkScoringDeps, type ItemOutcome, scoreChunk } from './score-chunk.ts';

export interface ChunkProcessorDeps
  extends Pick<ChunkScoringDeps, 'traffic' | 'stopping' | 'stoppedBatches' | 'storedImages'> {
  chunks: Chunks;
  speed: Pick<Speed, 'add'>;
  metrics: Metrics;
  log: Logger;
  /** Called with the current fault, or with null when the worker is healthy. */
  onHealth: (fault: string | null) => void;
}

/**
 * The number of starts of a chunk after which missing items count as lost. Some stores show a new object only after a
 * delay.
 */
const startsWithoutInput = 2;

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

/** Marks a chunk as active, scores its items and commits the results. */
export type ChunkProcessor = (delivery: Delivery, queue: string) => Promise<Verdict>;

export function createChunkProcessor(deps: ChunkProcessorDeps): ChunkProcessor {
  const { chunks, speed, metrics, log, onHealth } = deps;
  const network = createNetworkFault(networkDelayMs);
  const handBack = createHandingBack(onHealth);
  const scoring: ChunkScoringDeps = { ...deps, network, handBack };

  return async (delivery, queue) => {
    const { data: job, starts, waitedMs } = delivery;
    if (job.v > payloadVersion) {
      countVerdict(queue, 'handed_back');
      return handBack.forOtherWorker(`the chunk needs a newer release, which reads payload version ${job.v}`);
    }
    const restMs = network.restMs(job.tenant);
    if (restMs > 0) return { putBack: 'this worker cannot reach any image host of the tenant', delayMs: restMs };
    const startedAt = Date.now();
    const start = performance.now();
    if (starts === 0) metrics.observe('vls_chunk_wait_seconds', { queue }, waitedMs / 1000);
    const picked = await pick(delivery, queue);
    if ('handBack' in picked) return countHandBack(job, queue, picked);
    if (picked.verdict !== 'run') {
      countVerdict(queue, picked.verdict);
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
    const span = { traceparent: picked.traceparent, chunk: job.chunk, attributes, startedAt };
    return await traceChunk(span, async () => {
      pastSpan('pick', startedAt, startedAt + performance.now() - start, {});
      return await scoreAndCommit(delivery, queue, picked, start);
    });
  };

  function countVerdict(queue: string, verdict: (typeof chunkVerdicts)[number]): void {
    metrics.count('vls_chunks_total', { queue, verdict });
  }

  function countHandBack({ batchId, chunk }: JobData, queue: string, verdict: HandBack): HandBack {
    countVerdict(queue, 'handed_back');
    noteEvent('handed back', { 'vls.reason': verdict.handBack });
    log.warn({ batchId, chunk, queue, reason: verdict.handBack }, 'chunk handed back');
    return verdict;
  }

  /**
   * Marks the chunk as active and reads its items. If they cannot be read now, the chunk returns to the queue. If they
   * are lost, the batch fails.
   */
  async function pick(
    { data: job, starts }: Delivery,
    queue: string,
  ): Promise<Picked | HandBack | { verdict: 'lost' }> {
    try {
      return await chunks.pick(job, queue);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const reason = `${error.code}: ${error.message}`;
      if (!isLost(error)) return handBack.forWorker(reason);
      // One lost object must not pause the work on other batches.
      if (starts < startsWithoutInput) return handBack.forChunk(reason);
      await chunks.fail(job);
      return { verdict: 'lost' };
    }
  }

  async function scoreAndCommit(
    { data: job, starts }: Delivery,
    queue: string,
    picked: Picked & { verdict: 'run' },
    start: number,
  ): Promise<Verdict> {
    const { input } = picked;
    const scored = await scoreChunk(scoring, job, picked, starts);
    if ('handBack' in scored) return countHandBack(job, queue, scored);
    if ('stopped' in scored) {
      countVerdict(queue, 'stopped');
      return { done: { verdict: 'stopped' } };
    }
    const results = toResults(input, scored.outcomes);
    const pieces = encodeEmbeddings(picked.keeps ?? {}, scored.embeddings);
    const committed = await commit(job, picked, results, pieces, scored.contentHashes);
    if ('handBack' in committed) return countHandBack(job, queue, committed);
    if (committed.verdict === 'committed') speed.add(queue, results.length);
    countCommitted(metrics, results, committed);
    countVerdict(queue, committed.verdict);
    const seconds = (performance.now() - start) / 1000;
    metrics.observe('vls_chunk_duration_seconds', { queue }, seconds);
    return reportChunk(log, { job, queue, input, results, committed, seconds });
  }

  async function commit(
    job: JobData,
    { input, edges }: Picked & { verdict: 'run' },
    results: ItemResult[],
    embeddings: EmbeddingPieces,
    contentHashes: readonly (string | undefined)[],
  ): Promise<Committed | HandBack> {
    const start = performance.now();
    try {
      const committed = await traced('commit', {}, () =>
        chunks.commit(job, input, results, edges, embeddings, contentHashes),
      );
      handBack.committed();
      metrics.stage('commit', 'batch', (performance.now() - start) / 1000);
      return committed;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      await chunks.release(job);
      return handBack.forWorker(`${error.code}: ${error.message}`);
    }
  }
}

const toResults = ({ items, offset }: InputChunk, outcomes: readonly ItemOutcome[]): ItemResult[] =>
  items.flatMap((item, at) => {
    const outcome = outcomes[at];
    return outcome === undefined ? [] : [{ index: offset + at, ...echoed(item), ...outcome }];
  });
