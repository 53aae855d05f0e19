import { loadScript } from '../../../shared/lua.ts';
import { deletedBatches, finishedBatches } from '../../../shared/redis/keys.ts';
import type { Redis } from '../../../shared/redis.ts';

const script = loadScript(new URL('./enlist.lua', import.meta.url));

/** Lists a batch as finished. @param expiresAt in ms since 1970. @returns false when it was listed before. */
export async function enlistFinished(redis: Redis, id: string, expiresAt: number): Promise<boolean> {
  return (await script(redis, [finishedBatches(redis)], [expiresAt, id])) === 1;
}

/** Lists a batch as deleted: the sweeper erases its jobs. @param deletedAt in ms since 1970. */
export async function enlistDeleted(redis: Redis, id: string, profile: string, deletedAt: number): Promise<void> {
  await script(redis, [deletedBatches(redis)], [deletedAt, `${id}:${profile}`]);
}
