import { randomUUID } from 'node:crypto';
import type { Logger } from '../../shared/log.ts';
import type { Redis } from '../../shared/redis.ts';
import { compareSettings } from './compare-settings.ts';

/** The settings that must be equal in all processes of a service, by name. */
export type AlikeSettings = Readonly<Record<string, string>>;

/**
 * Detects processes with the same Redis prefix but different settings, which would misread or miss each other's work.
 */
export interface SharedSettings {
  /** Returns a message for each difference that the last comparison found. */
  differences(): string[];
  /** Compares the settings with those of the other processes now. @throws when Redis does not respond. */
  compare(): Promise<void>;
  close(): void;
}

/** In ms. */
const everyMs = 15_000;
/** Milliseconds after which a silent process counts as ended. */
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

/** Returns the differences between two processes. A setting that only one has is ignored: their releases differ. */
function differencesOf(own: AlikeSettings, other: AlikeSettings): string[] {
  return Object.entries(own).flatMap(([name, value]) => {
    const theirs = other[name];
    return theirs === undefined || theirs === value
      ? []
      : [`${name} is ${value || 'unset'} here and ${theirs || 'unset'} in another process`];
  });
}
