import type { BatchState } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import type { EmbeddingPieces } from '../../store/embeddings.ts';
import { scoreArguments } from '../../store/index-chunk.ts';
import { inFlightMs } from './stop.ts';
import { extremesStored, type Tally } from './tally.ts';

const script = loadScript(new URL('./commit.lua', import.meta.url));

/**
 * The interval in ms between two progress marks. A mark is a time together with the number of outcomes at that time.
 * The status shows the rate since the older of the two latest marks.
 */
const markEveryMs = 5_000;
/** The approximate number of events that the event stream of a batch can hold. */
const eventsStored = 1_000;

/** The outcomes of a chunk. `stored` is the payload with its results, or a reference to that payload in a bucket. */
export interface ChunkOutcomes {
  chunk: number;
  results: readonly ItemResult[];
  stored: Buffer;
  /** The embeddings of the chunk, or references to them. */
  embeddings?: EmbeddingPieces | undefined;
  tally: Tally;
}

/**
 * The reply of the commit script. The comment at the top of commit.lua explains each verdict. `hasStopped` is true when
 * this commit has stopped the batch, because more items have failed than the failure budget of the batch allows.
 */
export type CommitReply =
  | { verdict: 'committed' | 'already' | 'late'; state: BatchState; hasStopped: boolean }
  | { verdict: 'gone' };

/** Stores the outcomes of a chunk; a repeated call stores nothing. The commit of the last chunk ends the batch. */
export async function commitChunk(
  redis: Redis,
  id: string,
  { chunk, results, stored, embeddings = {}, tally }: ChunkOutcomes,
  retentionMs: number,
): Promise<CommitReply> {
  const keys = batchKeys(redis, id);
  const scores = scoreArguments(redis, id, results);
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
    keys.embeddings('image', chunk),
    keys.embeddings('text', chunk),
    ...scores.keys,
  ];
  const limits = [inFlightMs, extremesStored, markEveryMs, eventsStored];
  const reply = await script(redis, names, [
    chunk,
    stored,
    retentionMs,
    JSON.stringify(tally),
    ...limits,
    embeddings.image ?? '',
    embeddings.text ?? '',
    ...scores.values,
  ]);
  const [verdict, state, hasStopped] = reply as [Buffer, Buffer?, number?];
  const name = String(verdict) as CommitReply['verdict'];
  return name === 'gone'
    ? { verdict: name }
    : { verdict: name, state: String(state) as BatchState, hasStopped: hasStopped === 1 };
}
