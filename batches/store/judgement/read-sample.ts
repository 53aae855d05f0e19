import { z } from 'zod';
import { label, type PairLabel } from '../../../shared/contracts/batch/judgement.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const numbers = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(z.number()));

/** The fields of the Redis hash besides the label of each pair, which has the index of the pair as its name. */
const stored = z.object({
  sample: z.string(),
  threshold: z
    .string()
    .optional()
    .transform((text) => (text ? Number(text) : undefined)),
  edges: numbers,
  indexes: numbers,
});

export interface Sample extends z.output<typeof stored> {
  labels: Map<number, PairLabel>;
}

/** Returns the sample of a batch with its labels; undefined if there is none. */
export async function readSample(redis: Redis, id: string): Promise<Sample | undefined> {
  const hash = await redis.hgetall(batchKeys(redis, id).judgement);
  if (hash['sample'] === undefined) return undefined;
  const sample = stored.parse(hash);
  const labels = new Map<number, PairLabel>();
  for (const index of sample.indexes) {
    const { data } = label.safeParse(hash[index]);
    if (data !== undefined) labels.set(index, data);
  }
  return { ...sample, labels };
}
