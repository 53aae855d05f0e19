import type { Logger } from '../shared/log.ts';
import type { Redis } from '../shared/redis.ts';

/** What becomes of acknowledged work when Redis dies: nothing is lost, the last two seconds may be, all is, or unknown. */
export type DurabilityLevel = 'always' | 'everysec' | 'none' | 'unknown';

/** How durable this Redis is, and a way to wait until what was written is on its disk. */
export interface Durability {
  level(): Promise<DurabilityLevel>;
  /**
   * Waits until everything this connection has written is on disk, where Redis does not do so anyway and can say so
   * (7.2 and later, with `appendfsync everysec`).
   */
  confirm(): Promise<void>;
}

/** A foreign Redis may be configured anew while we run, in milliseconds. */
const freshMs = 60_000;
const confirmTimeoutMs = 3_000;

export function createDurability(redis: Redis, log: Logger): Durability {
  let known: { level: DurabilityLevel; canWait: boolean; at: number } | undefined;

  async function look(): Promise<{ level: DurabilityLevel; canWait: boolean }> {
    if (known !== undefined && performance.now() - known.at < freshMs) return known;
    const [version, settings] = await Promise.all([
      redis.info('server').then((info) => /redis_version:(\d+)\.(\d+)/.exec(info)),
      // Hosted servers often forbid CONFIG.
      redis.config('GET', 'append*').catch(() => []),
    ]);
    const level = levelOf(settings);
    const canWait = Number(version?.[1] ?? 0) * 100 + Number(version?.[2] ?? 0) >= 702;
    if (known?.level !== level && level !== 'always') {
      log.warn(
        { durability: level },
        'this Redis may lose acknowledged work when it dies; appendfsync always does not',
      );
    }
    known = { level, canWait, at: performance.now() };
    return known;
  }

  return {
    level: async () => (await look()).level,
    async confirm() {
      const { level, canWait } = await look();
      if (level !== 'everysec' || !canWait) return;
      const [onDisk] = (await redis.call('WAITAOF', 1, 0, confirmTimeoutMs)) as [number, number];
      if (onDisk === 0) log.warn('acknowledged before Redis had written it to disk, as its disk is slow');
    },
  };
}

function levelOf(settings: unknown): DurabilityLevel {
  if (!Array.isArray(settings)) return 'unknown';
  const read = (name: string): unknown => settings[settings.indexOf(name) + 1];
  if (!settings.includes('appendonly')) return 'unknown';
  if (read('appendonly') !== 'yes') return 'none';
  return read('appendfsync') === 'always' ? 'always' : read('appendfsync') === 'no' ? 'none' : 'everysec';
}
