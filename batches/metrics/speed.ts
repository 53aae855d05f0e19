import { committedItems } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';

/** How fast all workers of a profile are together: reported by those that commit, read by those that ask. */
export interface Speed {
  /** So many items have been committed. A count that is lost with Redis only makes the speed look smaller. */
  add(profile: string, items: number): void;
  /** Recent items a second, 0 when nothing was committed for a minute. */
  read(profiles: readonly string[]): Promise<Map<string, number>>;
}

const slotMs = 10_000;
const slots = 6;
/** Slots over which a profile that has just begun, or whose workers have just doubled, shows it. */
const latestSlots = 2;

/**
 * Counted in Redis and not by the reader, so that every API reports the same, the one that has just started too.
 * @param now in ms since 1970; the clock of Redis otherwise, as those of workers and APIs may be days apart.
 */
export function createSpeed(redis: Redis, now: () => number | Promise<number> = () => redisTime(redis)): Speed {
  return {
    add(profile, items) {
      const count = async () => {
        const key = committedItems(redis, profile, Math.floor((await now()) / slotMs));
        await redis
          .pipeline()
          .incrby(key, items)
          .pexpire(key, 2 * slots * slotMs)
          .exec();
      };
      count().catch(() => {});
    },
    async read(profiles) {
      if (profiles.length === 0) return new Map();
      const time = await now();
      const slot = Math.floor(time / slotMs);
      const elapsedMs = time - slot * slotMs;
      const keys = profiles.flatMap((profile) =>
        Array.from({ length: slots }, (_, back) => committedItems(redis, profile, slot - back)),
      );
      const counts = (await redis.mget(keys)).map(Number);
      return new Map(
        profiles.map((profile, at) => {
          const own = counts.slice(at * slots, (at + 1) * slots);
          const over = (length: number) =>
            own.slice(0, length).reduce((sum, count) => sum + count, 0) / (((length - 1) * slotMs + elapsedMs) / 1000);
          return [profile, Math.max(over(latestSlots), over(slots))];
        }),
      );
    },
  };
}
