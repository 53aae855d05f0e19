import { loadScript } from '../../shared/lua.ts';
import { settingsOfProcesses } from '../../shared/redis/keys.ts';
import type { Redis } from '../../shared/redis.ts';

const script = loadScript(new URL('./compare-settings.lua', import.meta.url));

/**
 * Stores the settings of this process (JSON) in Redis, and returns those of every other process.
 * @param lifetimeMs the time in ms after which a process is forgotten, unless it calls this again.
 */
export async function compareSettings(
  redis: Redis,
  processId: string,
  settings: string,
  lifetimeMs: number,
): Promise<string[]> {
  const reply = await script(redis, [settingsOfProcesses(redis)], [processId, settings, lifetimeMs]);
  return (reply as Buffer[]).map(String);
}
