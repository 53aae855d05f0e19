import { committedItems } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';

/** Measures the items per second that all workers commit for each profile. */
export interface Speed {
  /** Counts committed items. While Redis is unavailable the count is lost, and the rate is too low for a minute. */
  add(profile: string, items: number): void;
  /** Returns the recent items per second of each profile; 0 after a minute without items. */
  read(profiles: readonly string[]): Promise<Map<string, number>>;
}

const slotMs = 10_000;
const slots = 6;
/**
 * The higher of two averages is reported, over `slots` and over these latest periods. The rate thus rises quickly when
 * workers are added.
 */
const latestSlots = 2;

/**
 * Counts in Redis, so that all API processes report the same rate.
 * @param now returns ms since 1970. Default: the clock of Redis, because clocks of processes may differ by days.
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
