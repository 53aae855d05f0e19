import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { childEnvironment } from '../../shared/child-environment.js';
import { StartError } from '../start-error.ts';

/** The oldest Redis that BullMQ supports. */
export const OLDEST_REDIS = '6.2';

export function isRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_REDIS.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * Returns the version from `redis-server --version`.
 * @throws {StartError} if it cannot be run or reports no version.
 */
export async function versionOf(program: string): Promise<string> {
  const stated = await promisify(execFile)(program, ['--version'], { env: childEnvironment('redis') }).catch(
    (error: Error) => {
      throw new StartError(`${program} cannot be run (${error.message.trim()}). Reinstall Redis, or set REDIS_URL.`);
    },
  );
  // Examples: "Redis server v=7.0.15 sha=…", "Valkey server v=8.0.1 sha=…"
  const version = /\bv=([\d.]+)/.exec(stated.stdout)?.[1];
  if (version === undefined)
    throw new StartError(`${program} does not report its version. Reinstall Redis, or set REDIS_URL.`);
  return version;
}

/** @throws {StartError} when the program is older than {@link OLDEST_REDIS}. */
export async function requireRecentProgram(program: string): Promise<void> {
  const version = await versionOf(program);
  if (isRecentEnough(version)) return;
  throw new StartError(
    `${program} is version ${version}; version ${OLDEST_REDIS} or newer is required. Upgrade it, or set REDIS_URL to a newer Redis.`,
  );
}
