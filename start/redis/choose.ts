import { StartError } from '../start-error.ts';
import { findProgram, findRedisServer } from './find.ts';
import { localRedis } from './local.ts';
import type { RedisServer } from './server.ts';
import { isRecentEnough, OLDEST_REDIS, requireRecentProgram, versionOf } from './version.ts';

export interface ChosenRedis {
  readonly server: RedisServer;
  /** Rejects with a {@link StartError} if the server is too old. */
  check(): Promise<void>;
}

/**
 * Chooses the Redis to run: an installed program, else one that the package manager installs now, else a Docker
 * container.
 * @throws {StartError} with the install command for this system if none is possible.
 */
export async function chooseRedis(redisDir: string, say: (line: string) => void): Promise<ChosenRedis> {
  const installed = findRedisServer();
  if (installed !== undefined) {
    return { server: localRedis(installed, redisDir), check: () => requireRecentProgram(installed) };
  }
  const check = async () => {};
  // Only the first start on a new machine needs these modules.
  const { installRedis, installCommandForPeople } = await import('./install.ts');
  const result = await installRedis(say);
  const version = 'program' in result ? await versionOf(result.program) : undefined;
  if ('program' in result && version !== undefined && isRecentEnough(version)) {
    return { server: localRedis(result.program, redisDir), check };
  }

  const { dockerAnswers, dockerRedis } = await import('./docker.ts');
  if (findProgram('docker') !== undefined && (await dockerAnswers())) {
    say('Redis is not installed; running it with Docker…');
    return { server: await dockerRedis(redisDir), check };
  }
  if (version !== undefined) {
    throw new StartError(
      `The system's package is Redis ${version}; version ${OLDEST_REDIS} or newer is required. Install one manually, or set REDIS_URL.`,
    );
  }
  const why = 'failed' in result ? result.failed : '';
  const command = installCommandForPeople() ?? 'see https://redis.io/docs/latest/operate/oss_and_stack/install/';
  throw new StartError(
    `Redis is required but not installed (${why}; no Docker engine answers). Install it: ${command} - or set REDIS_URL.`,
  );
}
