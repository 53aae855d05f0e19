import { committedItems } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';

/** Measures, for each profile, the number of items per second that all workers together commit. */
export interface Speed {
  /**
   * Adds to the number of committed items of a profile. While Redis is unavailable the count is lost, and the rate is
   * reported too low for a minute.
   */
  add(profile: string, items: number): void;
  /** Returns the recent items per second of each profile; 0 when no item was committed for a minute. */
  read(profiles: readonly string[]): Promise<Map<string, number>>;
}

const slotMs = 10_000;
const slots = 6;
/**
 * The rate is averaged over `slots` periods of `slotMs` and also over this smaller number of latest periods. The higher
 * average is reported, so that the rate rises quickly when a profile starts or gets more workers.
 */
const latestSlots = 2;

/**
 * Stores the counts in Redis, so that all API processes report the same rate, even after a restart.
 * @param now returns ms since 1970. Default: the clock of Redis, because the clocks of workers and API processes may
 * differ by days.
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
