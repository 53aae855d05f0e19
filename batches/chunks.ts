import type { BatchState } from '../shared/contracts/batch.ts';
import { terminalStates } from '../shared/contracts/batch.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import type { Redis } from '../shared/redis.ts';
import { windowChunks } from './dispatch.ts';
import { batchKeys, finishedBatches, liveBatches } from './keys.ts';
import { decodeInput, encodeOutput, type InputChunk, type JobData } from './payload.ts';
import type { Queues } from './queues.ts';
import type { Pinned } from './record.ts';
import { runScript } from './scripts.ts';

/** A chunk in a worker's hand, or why there is none. */
export type Picked =
  | { verdict: 'run'; input: InputChunk; pinned: Omit<Pinned, 'profile'> }
  | { verdict: 'done' | 'stopped' | 'gone' };

export type Committed = { verdict: 'committed' | 'already' | 'stopped'; state: BatchState } | { verdict: 'gone' };

/** The three things a worker does with a chunk. Each is one atomic script and may be repeated. */
export interface Chunks {
  /** Takes a chunk in hand and lets the next of its batch into the queue. */
  pick(job: JobData, profile: string): Promise<Picked>;
  /** Records a chunk's outcomes; the second time, or for a batch that ended meanwhile, nothing is counted. */
  commit(job: JobData, results: ItemResult[]): Promise<Committed>;
  /** Gives a chunk back that cannot be evaluated here now. */
  release(job: JobData): Promise<void>;
}

export function createChunks(redis: Redis, queues: Queues, retentionHours: number): Chunks {
  const retentionMs = Math.round(retentionHours * 3_600_000);

  return {
    async pick({ tenant, batchId, chunk }, profile) {
      const keys = batchKeys(batchId);
      const names = [keys.batch, keys.done, keys.waiting, keys.active, keys.input(chunk)];
      const reply = (await runScript(redis, 'pick', names, [chunk, windowChunks, Date.now()])) as PickReply;
      const verdict = String(reply[0]) as Picked['verdict'];
      if (verdict !== 'run') return { verdict };
      const [, input, [model, revision, precision, preprocess], next] = reply as Required<PickReply>;
      if (next.length > 0) await queues.add(profile, tenant, batchId, next);
      return {
        verdict,
        input: decodeInput(input),
        pinned: {
          model: String(model),
          revision: String(revision),
          precision: String(precision),
          preprocess: String(preprocess),
        },
      };
    },

    async commit({ batchId, chunk }, results) {
      const keys = batchKeys(batchId);
      const names = [keys.batch, keys.done, keys.waiting, keys.active, keys.failures, keys.log, keys.output(chunk)];
      const { succeeded, failed, codes } = tally(results);
      const payload = encodeOutput({ results });
      const values = [chunk, Date.now(), payload, succeeded, failed, retentionMs, ...[...codes].flat()];
      const reply = (await runScript(redis, 'commit', names, values)) as Buffer[];
      const verdict = String(reply[0]) as Committed['verdict'];
      if (verdict === 'gone') return { verdict };
      const state = String(reply[1]) as BatchState;
      // In the other slot, so it may be lost with this process: the sweeper does it then.
      if (terminalStates.has(state)) await retire(redis, batchId, Number(reply[2] ?? Date.now() + retentionMs));
      return { verdict, state };
    },

    async release({ batchId, chunk }) {
      const keys = batchKeys(batchId);
      await runScript(redis, 'release', [keys.done, keys.waiting, keys.active], [chunk]);
    },
  };
}

type PickReply = [verdict: Buffer, input?: Buffer, pinned?: [Buffer, Buffer, Buffer, Buffer], next?: number[]];

function tally(results: readonly ItemResult[]) {
  const codes = new Map<string, number>();
  let succeeded = 0;
  for (const result of results) {
    if (result.status === 'succeeded') succeeded++;
    else if (result.status === 'failed') codes.set(result.error.code, (codes.get(result.error.code) ?? 0) + 1);
  }
  return { succeeded, failed: results.length - succeeded, codes };
}

/** Moves a finished batch from the live ones to those that will be forgotten. */
export async function retire(redis: Redis, id: string, expiresAt: number): Promise<void> {
  await redis.zadd(finishedBatches, 'NX', expiresAt, id);
  await redis.zrem(liveBatches, id);
}
