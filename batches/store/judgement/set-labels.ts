import type { SampleCounts, SampleLabels } from '../../../shared/contracts/batch/judgement.ts';
import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./set-labels.lua', import.meta.url));

/** `outside`: the index of a pair that the sample does not have. See set-labels.lua for the other verdicts. */
export type Labelled = 'other' | 'gone' | { outside: number } | SampleCounts;

/** Sets labels of a sample, or none if one of the pairs is not in the sample. */
export async function setLabels(redis: Redis, id: string, { sample, labels }: SampleLabels): Promise<Labelled> {
  const { batch, judgement } = batchKeys(redis, id);
  const values = [sample, ...labels.flatMap(({ index, label }) => [index, label ?? 'open'])];
  const [verdict, ...numbers] = (await script(redis, [batch, judgement], values)) as [Buffer, ...unknown[]];
  const [first, wrong, open] = numbers.map((number) => Number(String(number)));
  switch (String(verdict) as 'set' | 'outside' | 'other' | 'gone') {
    case 'set':
      return { sample, right: first ?? 0, wrong: wrong ?? 0, open: open ?? 0 };
    case 'outside':
      return { outside: first ?? 0 };
    case 'other':
      return 'other';
    default:
      return 'gone';
  }
}
