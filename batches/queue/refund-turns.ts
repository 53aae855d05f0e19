import { loadScript } from '../../shared/lua.ts';
import { turnKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';
import type { TurnJob, TurnRequest } from './take-turns.ts';

const script = loadScript(new URL('./refund-turns.lua', import.meta.url));

/** Credits a tenant with the cost of jobs that were not processed. Safe to repeat. */
export async function refundTurns(
  redis: Redis,
  profile: string,
  { tenant, weight, jobs }: Pick<TurnRequest, 'tenant' | 'weight'> & { jobs: readonly TurnJob[] },
): Promise<void> {
  const { turns, starts } = turnKeys(redis, profile);
  await script(redis, [turns, starts], [tenant, weight, ...jobs.flatMap(({ id, cost }) => [id, cost])]);
}
