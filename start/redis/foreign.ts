import { StartError } from '../start-error.ts';
import { ask } from './ask.ts';
import { isRecentEnough, OLDEST_REDIS } from './version.ts';

/**
 * Checks the Redis that `REDIS_URL` names. One that is down is no reason not to start: single pairs are scored without.
 * @throws {StartError} when it answers and is too old.
 */
export async function checkForeignRedis(url: string, say: (line: string) => void): Promise<void> {
  const version = await statedVersion(url).catch((error: Error) => {
    const fault = error.message || (error as NodeJS.ErrnoException).code;
    say(
      `Redis at ${withoutPassword(url)} does not answer (${fault}). Single pairs are scored without it; batches wait until it is back.`,
    );
  });
  if (version === undefined || isRecentEnough(version)) return;
  throw new StartError(
    `Redis at ${withoutPassword(url)} is version ${version}; ${OLDEST_REDIS} or newer is needed. Upgrade it, or name another in REDIS_URL.`,
  );
}

async function statedVersion(url: string): Promise<string | undefined> {
  const [info = ''] = await ask(url, [['INFO', 'server']]);
  if (info.startsWith('-')) throw new Error(info.slice(1));
  return /^redis_version:([\d.]+)/m.exec(info)?.[1];
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
