import type { BatchState } from '../../../shared/contracts/batch.ts';
import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import { inFlightMs } from './stop.ts';
import { extremesStored, type Tally } from './tally.ts';

const script = loadScript(new URL('./commit.lua', import.meta.url));

/** Interval of progress marks, in milliseconds. The status shows the rate since the second latest mark. */
const markEveryMs = 5_000;
/** Approximate number of events in the stream of a batch. */
const eventsStored = 1_000;

/** The outcomes of a chunk. `stored`: their payload, or a reference to it. */
export interface ChunkOutcomes {
  chunk: number;
  stored: Buffer;
  tally: Tally;
}

/**
 * The result. Each verdict is explained at the top of commit.lua.
 * `hasStopped`: this commit has stopped the batch, because its failure budget is spent.
 */
export type CommitReply =
  | { verdict: 'committed' | 'already' | 'late'; state: BatchState; hasStopped: boolean }
  | { verdict: 'gone' };

/** Records the outcomes of a chunk, once, and ends the batch with its last chunk. */
export async function commitChunk(
  redis: Redis,
  id: string,
  { chunk, stored, tally }: ChunkOutcomes,
  retentionMs: number,
): Promise<CommitReply> {
  const keys = batchKeys(redis, id);
  const names = [
    keys.batch,
    keys.done,
    keys.waiting,
    keys.active,
    keys.failures,
    keys.log,
    keys.output(chunk),
    keys.events,
    keys.histogram,
    keys.lowest,
    keys.highest,
  ];
  const limits = [inFlightMs, extremesStored, markEveryMs, eventsStored];
  const reply = await script(redis, names, [chunk, stored, retentionMs, JSON.stringify(tally), ...limits]);
  const [verdict, state, hasStopped] = reply as [Buffer, Buffer?, number?];
  const name = String(verdict) as CommitReply['verdict'];
  return name === 'gone'
    ? { verdict: name }
    : { verdict: name, state: String(state) as BatchState, hasStopped: hasStopped === 1 };
}
