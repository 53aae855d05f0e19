import { loadScript } from '../../shared/lua.ts';
import { turnKeys } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./take-turns.lua', import.meta.url));

/** Jobs of one tenant that need a position in the fair order of all tenants. */
export interface TurnRequest {
  /** The job that a worker has just taken, or an empty string. */
  takenJob: string;
  tenant: string;
  weight: number;
  jobs: readonly TurnJob[];
}

export interface TurnJob {
  id: string;
  cost: number;
}

/**
 * Gives each job a position in the fair order of all tenants.
 * @returns the BullMQ priority of each job, at least 1. Lower numbers are served first.
 */
export async function takeTurns(redis: Redis, profile: string, request: TurnRequest): Promise<number[]> {
  const { takenJob, tenant, weight, jobs } = request;
  const { turns, starts, prioritized } = turnKeys(redis, profile);
  const values = [takenJob, tenant, weight, ...jobs.flatMap(({ id, cost }) => [id, cost])];
  return (await script(redis, [turns, starts, prioritized], values)) as number[];
}
