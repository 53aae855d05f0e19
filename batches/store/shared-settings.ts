import { randomUUID } from 'node:crypto';
import type { Logger } from '../../shared/log.ts';
import type { Redis } from '../../shared/redis.ts';
import { compareSettings } from './compare-settings.ts';

/** The settings that must be equal in all processes of a service, by name. */
export type AlikeSettings = Readonly<Record<string, string>>;

/**
 * Detects processes that have the same Redis prefix but different settings. Such processes would misread each other's
 * work, or not see it.
 */
export interface SharedSettings {
  /** Returns one sentence for each difference between settings that the last comparison found. */
  differences(): string[];
  /**
   * Compares the settings of this process with those of the other processes now.
   * @throws when Redis does not respond.
   */
  compare(): Promise<void>;
  close(): void;
}

/** The interval between two comparisons, in ms. */
const everyMs = 15_000;
/** The time in ms after which a process that has stopped comparing its settings is regarded as ended. */
const lifetimeMs = 60_000;

export function createSharedSettings(redis: Redis, own: AlikeSettings, log: Logger): SharedSettings {
  const processId = randomUUID();
  let found: string[] = [];

  async function compare(): Promise<void> {
    const reply = await compareSettings(redis, processId, JSON.stringify(own), lifetimeMs);
    const others = reply.map((settings) => JSON.parse(settings) as AlikeSettings);
    const unlike = new Set(others.flatMap((other) => differencesOf(own, other)));
    for (const difference of unlike) {
      if (!found.includes(difference)) log.error({ difference }, 'processes of this service have different settings');
    }
    found = [...unlike].sort();
  }

  const compareIfThere = () => {
    // Without Redis the settings of other processes cannot be read.
    if (redis.status === 'ready') compare().catch((error: Error) => log.debug({ err: error }, 'settings not compared'));
  };
  const timer = setInterval(compareIfThere, everyMs).unref();
  redis.on('ready', compareIfThere);
  compareIfThere();
  return {
    differences: () => found,
    compare,
    close() {
      clearInterval(timer);
      redis.off('ready', compareIfThere);
    },
  };
}

/**
 * Returns the differences between the settings of two processes. A setting that only one of the two processes has is
 * ignored, because the processes then have different releases.
 */
function differencesOf(own: AlikeSettings, other: AlikeSettings): string[] {
  return Object.entries(own).flatMap(([name, value]) => {
    const theirs = other[name];
    return theirs === undefined || theirs === value
      ? []
      : [`${name} is ${value || 'unset'} here and ${theirs || 'unset'} in another process`];
  });
}
