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

/** The interval in ms between two progress marks (a time and the number of outcomes then). */
const markEveryMs = 5_000;
/** The approximate number of events that a batch stores. */
const eventsStored = 1_000;

/** `stored` is the payload with the results, or a reference to it in a bucket. */
export interface ChunkOutcomes {
  chunk: number;
  results: readonly ItemResult[];
  stored: Buffer;
  /** The embeddings, or references to them. */
  embeddings?: EmbeddingPieces | undefined;
  tally: Tally;
}

/** See commit.lua for each verdict. `hasStopped` is true when this commit exceeds the failure budget of the batch. */
export type CommitReply =
  | { verdict: 'committed' | 'already' | 'late'; state: BatchState; hasStopped: boolean }
  | { verdict: 'gone' };

/** Stores the outcomes of a chunk, once. The last chunk ends the batch. */
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
