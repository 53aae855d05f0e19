import { z } from 'zod';
import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';
import { batchRecord } from '../../store/record.ts';

const script = loadScript(new URL('./pick.lua', import.meta.url));

const pickedBatch = batchRecord
  .pick({
    priority: true,
    model: true,
    revision: true,
    precision: true,
    preprocess: true,
    textCleaning: true,
    longText: true,
    traceparent: true,
    traffic: true,
    embeddings: true,
    embeddingPrecision: true,
    dimensions: true,
    imagesFrom: true,
  })
  .extend({
    /**
     * Only a cosine below this can be among the lowest of the batch. Absent until the batch has stored enough items.
     */
    lowestBelow: z.coerce.number().optional(),
    highestAbove: z.coerce.number().optional(),
  });
export type PickedBatch = z.output<typeof pickedBatch>;

const fieldNames = Object.keys(pickedBatch.shape);

/** See pick.lua for each verdict. `stored` is the payload of the items, or a reference to it in a bucket. */
export type PickReply =
  | { verdict: 'run'; stored: Buffer; batch: PickedBatch }
  | { verdict: 'done' | 'stopped' | 'ended' | 'lost' | 'gone' };

export async function pickChunk(redis: Redis, id: string, chunk: number, retentionMs: number): Promise<PickReply> {
  const keys = batchKeys(redis, id);
  const names = [keys.batch, keys.done, keys.waiting, keys.active, keys.input(chunk), keys.events];
  const reply = (await script(redis, names, [chunk, retentionMs, ...fieldNames])) as Reply;
  const verdict = String(reply[0]) as PickReply['verdict'];
  if (verdict !== 'run') return { verdict };
  const [, stored, values] = reply as Required<Reply>;
  const present = fieldNames.flatMap((name, at) => {
    const value = values[at];
    return value == null ? [] : [[name, value.toString()]];
  });
  return { verdict, stored, batch: pickedBatch.parse(Object.fromEntries(present)) };
}

type Reply = [verdict: Buffer, stored?: Buffer, values?: (Buffer | null)[]];
