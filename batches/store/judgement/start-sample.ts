import { loadScript } from '../../../shared/lua.ts';
import { batchKeys } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./start-sample.lua', import.meta.url));

export interface NewSample {
  sample: string;
  threshold?: number | undefined;
  edges: readonly number[];
  indexes: readonly number[];
  /** The sample that must be there, or null for none. Without it, any sample is replaced. */
  replaces?: string | null | undefined;
}

/** Stores a sample without labels; see start-sample.lua for each verdict. */
export async function startSample(
  redis: Redis,
  id: string,
  { sample, threshold, edges, indexes, replaces }: NewSample,
): Promise<'started' | 'other' | 'gone'> {
  const { batch, judgement } = batchKeys(redis, id);
  const expected = replaces === undefined ? '' : `=${replaces ?? ''}`;
  const values = [sample, expected, threshold ?? '', JSON.stringify(edges), JSON.stringify(indexes), ...indexes];
  return String(await script(redis, [batch, judgement], values)) as 'started' | 'other' | 'gone';
}
