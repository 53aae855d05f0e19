import { loadScript } from '../../../shared/lua.ts';
import { deletedBatches, finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./enlist.lua', import.meta.url));

/**
 * Adds a batch to the list of finished batches.
 * @param expiresAt the time of its deletion, in ms since 1970.
 * @returns false when the batch is already in the list.
 */
export async function enlistFinished(redis: Redis, id: string, expiresAt: number): Promise<boolean> {
  return (await script(redis, [finishedBatches(redis)], [expiresAt, id])) === 1;
}

/** Lists a deleted batch, so that the sweeper removes its jobs. @param deletedAt in ms since 1970. */
export async function enlistDeleted(redis: Redis, id: string, profile: string, deletedAt: number): Promise<void> {
  await script(redis, [deletedBatches(redis)], [deletedAt, `${id}:${profile}`]);
}
