import type { Logger } from '../../shared/log.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';

/**
 * The acknowledged work that a crash of Redis may lose. `always`: none, because each write is on disk. `everysec`: that
 * of the last two seconds. `none`: all. `unknown`: Redis does not reveal its settings.
 */
export type DurabilityLevel = 'always' | 'everysec' | 'none' | 'unknown';

/** On a cluster, the server with the weakest level counts. */
export interface Durability {
  level(): Promise<DurabilityLevel>;
  /**
   * Waits until all writes of this connection are on disk, with Redis 7.2 or later and `appendfsync everysec`.
   * Otherwise it does nothing.
   */
  confirm(): Promise<void>;
}

/** Milliseconds after which the level is read again. The operator may reconfigure Redis. */
const freshMs = 60_000;
const confirmTimeoutMs = 3_000;

export function createDurability(redis: Redis, log: Logger): Durability {
  let known: { level: DurabilityLevel; canWait: boolean; at: number } | undefined;

  async function look(): Promise<{ level: DurabilityLevel; canWait: boolean }> {
    if (known !== undefined && performance.now() - known.at < freshMs) return known;
    const masters = await askMasters(redis, async (master) => {
      const [version, settings] = await Promise.all([
        master.info('server').then((info) => /redis_version:(\d+)\.(\d+)/.exec(info)),
        // Hosted Redis servers often forbid CONFIG. The level is then `unknown`.
        master.config('GET', 'append*').catch(() => []),
      ]);
      return { level: levelOf(settings), version: Number(version?.[1] ?? 0) * 100 + Number(version?.[2] ?? 0) };
    });
    const level = weakest(masters.map((master) => master.level));
    const canWait = masters.every(({ version }) => version >= 702);
    if (known?.level !== level && level !== 'always') {
      log.warn(
        { durability: level },
        'Redis may lose acknowledged work when it crashes; set appendfsync to `always` to prevent this',
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
      // WAITAOF waits only for writes of this connection.
      const waited = await askMasters(redis, (master) => master.call('WAITAOF', 1, 0, confirmTimeoutMs));
      if ((waited as [number, number][]).some(([onDisk]) => onDisk === 0))
        log.warn('a batch was acknowledged before Redis wrote it to disk: the disk is slow');
    },
  };
}

/** `unknown` follows `none`, because an unknown level may be any except `always`. */
const fromWeakest = ['none', 'unknown', 'everysec', 'always'] as const satisfies DurabilityLevel[];
const weakest = (levels: DurabilityLevel[]): DurabilityLevel =>
  fromWeakest.find((level) => levels.includes(level)) ?? 'unknown';

function levelOf(settings: unknown): DurabilityLevel {
  if (!Array.isArray(settings)) return 'unknown';
  const read = (name: string): unknown => settings[settings.indexOf(name) + 1];
  if (!settings.includes('appendonly')) return 'unknown';
  if (read('appendonly') !== 'yes') return 'none';
  return read('appendfsync') === 'always' ? 'always' : read('appendfsync') === 'no' ? 'none' : 'everysec';
}
