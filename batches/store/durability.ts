import type { Logger } from '../../shared/log.ts';
import { askMasters } from '../../shared/redis/masters.ts';
import type { Redis } from '../../shared/redis.ts';

/** What becomes of acknowledged work when Redis dies: nothing is lost, the last two seconds may be, all is, or unknown. */
export type DurabilityLevel = 'always' | 'everysec' | 'none' | 'unknown';

/** How durable this Redis is, a cluster as its weakest server, and a way to wait until what was written is on its disk. */
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
    const masters = await askMasters(redis, async (master) => {
      const [version, settings] = await Promise.all([
        master.info('server').then((info) => /redis_version:(\d+)\.(\d+)/.exec(info)),
        // Hosted servers often forbid CONFIG.
        master.config('GET', 'append*').catch(() => []),
      ]);
      return { level: levelOf(settings), version: Number(version?.[1] ?? 0) * 100 + Number(version?.[2] ?? 0) };
    });
    const level = weakest(masters.map((master) => master.level));
    const canWait = masters.every(({ version }) => version >= 702);
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
      // Where this connection has written nothing, there is nothing to wait for.
      const waited = await askMasters(redis, (master) => master.call('WAITAOF', 1, 0, confirmTimeoutMs));
      if ((waited as [number, number][]).some(([onDisk]) => onDisk === 0))
        log.warn('acknowledged before Redis had written it to disk, as its disk is slow');
    },
  };
}

/** Of an unknown level anything may be true but `always`. */
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
