import { type BatchState, terminalStates } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Logger } from '../../shared/log.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { Dispatcher } from '../queue/dispatcher.ts';
import type { EmbeddingPieces, KeptEmbeddings } from '../store/embeddings.ts';
import { encodeDigests } from '../store/image-digests.ts';
import { decodeInput, encodeOutput, type InputChunk, type JobData } from '../store/payload.ts';
import type { PayloadStore } from '../store/payload-store.ts';
import type { Pinned } from '../store/record.ts';
import type { Ending } from './ending.ts';
import { blockBatch } from './steps/block.ts';
import { commitChunk } from './steps/commit.ts';
import { pickChunk } from './steps/pick.ts';
import { releaseChunk } from './steps/release.ts';
import { type Edges, noEdges, tallyOf } from './steps/tally.ts';

/** A chunk for a worker to evaluate, or the reason to skip it; see steps/pick.lua. */
export type Picked =
  | {
      verdict: 'run';
      input: InputChunk;
      pinned: Omit<Pinned, 'profile'>;
      keeps?: KeptEmbeddings;
      imagesFrom?: string | undefined;
      edges: Edges;
      traceparent?: string | undefined;
    }
  | { verdict: 'done' | 'stopped' | 'lost' | 'gone' };

export type Committed = { verdict: 'committed' | 'already' | 'late'; state: BatchState } | { verdict: 'gone' };

/** The operations of a worker on a chunk. Each changes the batch in one atomic script, and is safe to repeat. */
export interface Chunks {
  /**
   * Marks a chunk as active, reads its items, and queues the next chunk of the batch.
   * @throws {ServiceError} `storage.unavailable`; the chunk is then returned to the queue.
   */
  pick(job: JobData, profile: string): Promise<Picked>;
  /**
   * Stores the outcomes of a chunk. A repeated call does not count them again.
   * @param contentHashes the SHA-256 of each image file in base64; undefined for an item without a score.
   * @throws {ServiceError} `storage.unavailable`
   */
  commit(
    job: JobData,
    input: InputChunk,
    results: ItemResult[],
    edges?: Edges,
    embeddings?: EmbeddingPieces,
    contentHashes?: readonly (string | undefined)[],
  ): Promise<Committed>;
  /** Returns those of the given batches that were stopped, have ended, or were deleted. */
  stopped(batchIds: readonly string[]): Promise<string[]>;
  /** Returns a chunk to the queue, because this worker cannot evaluate it now. */
  release(job: JobData): Promise<void>;
  /**
   * Stores the reason why no worker can evaluate the batch now, for its status. If this lasts too long, the batch
   * fails.
   */
  block(job: JobData, why: string): Promise<void>;
  /** Ends a batch as failed, because some of its stored items are lost. */
  fail(job: JobData): Promise<void>;
}

/**
 * Milliseconds after which a batch fails if no worker can evaluate it: two attempts to load a model (five minutes each)
 * and the maximum pause (five minutes) between them.
 */
const modelPatienceMs = 900_000;
/** In characters. */
const reasonLength = 500;

export function createChunks(
  redis: Redis,
  dispatcher: Dispatcher,
  ending: Ending,
  payloads: PayloadStore,
  log: Logger,
): Chunks {
  const { retentionMs } = ending;

  async function release({ batchId, chunk }: JobData): Promise<void> {
    if ((await releaseChunk(redis, batchId, chunk, retentionMs)) === 'ended') await ending.settle(batchId);
  }

  async function fail({ tenant, batchId, chunk }: JobData): Promise<void> {
    log.error({ batchId, tenant, chunk }, 'the stored items of a chunk are lost, so its batch fails');
    await ending.stop(batchId, { state: 'failed', reason: 'input_lost' });
  }

  return {
    async pick(job, profile) {
      const { tenant, batchId, chunk } = job;
      const reply = await pickChunk(redis, batchId, chunk, retentionMs);
      if (reply.verdict !== 'run') {
        const { verdict } = reply;
        await dispatcher.dropTurn(profile, job);
        if (verdict === 'ended') await ending.settle(batchId);
        if (verdict === 'lost') await fail(job);
        return { verdict: verdict === 'ended' ? 'stopped' : verdict };
      }
      const { priority, lowestBelow, highestAbove, traceparent, imagesFrom, ...more } = reply.batch;
      const { embeddings, embeddingPrecision, dimensions, ...pinned } = more;
      const keeps = { embeddings, embeddingPrecision, dimensions };
      await dispatcher.taken({ id: batchId, tenant, profile, priority }, chunk);
      const input = await payloads.get(batchId, reply.stored).catch(async (error: unknown) => {
        await release(job);
        throw error;
      });
      const edges = {
        lowestBelow: lowestBelow ?? noEdges.lowestBelow,
        highestAbove: highestAbove ?? noEdges.highestAbove,
      };
      return { verdict: 'run', input: decodeInput(input), pinned, keeps, imagesFrom, edges, traceparent };
    },

    async commit({ tenant, batchId, chunk }, input, results, edges, pieces = {}, contentHashes = []) {
      const tally = tallyOf(input, results, edges);
      const [stored, image, text] = await Promise.all([
        payloads.putOutput(
          batchId,
          chunk,
          encodeOutput({ images: encodeDigests(contentHashes), results, exact: input.exact }),
        ),
        pieces.image && payloads.putEmbeddings(batchId, chunk, 'image', pieces.image),
        pieces.text && payloads.putEmbeddings(batchId, chunk, 'text', pieces.text),
      ]);
      const embeddings = { ...(image && { image }), ...(text && { text }) };
      const reply = await commitChunk(redis, batchId, { chunk, results, stored, embeddings, tally }, retentionMs);
      if (reply.verdict === 'gone') {
        // The batch was deleted before this output was stored, so the deletion could not remove it.
        await payloads.erase(batchId).catch(() => {});
        return { verdict: reply.verdict };
      }
      const { verdict, state, hasStopped } = reply;
      if (hasStopped)
        log.info({ batchId, tenant }, 'batch stopped, because more items failed than its failure budget allows');
      // On a Redis cluster the commit script cannot do this work, because the keys are in another slot. If this process
      // dies first, the sweeper does it.
      if (terminalStates.has(state)) await ending.settle(batchId);
      else if (hasStopped) await ending.withdraw(batchId);
      return { verdict, state };
    },

    async stopped(batchIds) {
      const stopped = await Promise.all(
        batchIds.map(async (batchId) => {
          const [state, stopState] = await redis.hmget(batchKeys(redis, batchId).batch, 'state', 'stopState');
          return stopState != null || (state !== 'queued' && state !== 'running') ? [batchId] : [];
        }),
      );
      return stopped.flat();
    },

    release,
    async block({ tenant, batchId }, why) {
      const verdict = await blockBatch(redis, batchId, why.slice(0, reasonLength), modelPatienceMs, retentionMs);
      if (verdict === 'ended' || verdict === 'stopped')
        log.warn({ batchId, tenant, why }, 'batch stopped because no worker can use its model');
      if (verdict === 'ended') await ending.settle(batchId);
      else if (verdict === 'stopped') await ending.withdraw(batchId);
    },
    fail,
  };
}
