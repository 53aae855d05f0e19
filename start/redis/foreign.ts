import type { ConnectionOptions } from 'node:tls';
import { serverOf, versionOf } from '../../shared/redis/info.ts';
import { reasonOf } from '../../shared/redis/reason.ts';
import { type RedisTls, tlsOptions } from '../../shared/redis/tls.ts';
import { type Address, locationOf, parseRedisUrl, type RedisTarget } from '../../shared/redis/url.ts';
import { StartError } from '../start-error.ts';
import { ask } from './ask.ts';
import { isRecentEnough, OLDEST_REDIS } from './version.ts';

/**
 * Checks the version of the Redis at `REDIS_URL`. Without it the service starts nevertheless, to score single pairs.
 * @throws {StartError} if the Redis answers and is too old.
 * @throws {ConfigError} if a certificate file cannot be read.
 */
export async function checkForeignRedis(url: string, redisTls: RedisTls, say: (line: string) => void): Promise<void> {
  const target = parseRedisUrl(url);
  const tls = target.tls ? tlsOptions(redisTls) : {};
  const stated = await statedServer(target, tls).catch((error: Error) => {
    say(
      `Redis at ${locationOf(target)} does not answer (${reasonOf(error)}). Single pairs are scored without it; batches are paused.`,
    );
  });
  if (stated === undefined || isRecentEnough(stated.version)) return;
  throw new StartError(
    `Redis at ${locationOf(target)} is ${stated.server === 'Redis' ? '' : `${stated.server} `}version ${stated.version}; version ${OLDEST_REDIS} or newer is required. Upgrade it, or set REDIS_URL to another.`,
  );
}

/** Returns the product and version that the first answering server reports. A sentinel has its master's version. */
async function statedServer(
  target: RedisTarget,
  tls: ConnectionOptions,
): Promise<{ server: string; version: string } | undefined> {
  const [info = ''] = await Promise.any(
    urlsOf(target).map((url) => ask(url, [['INFO', 'server']], undefined, tls)),
  ).catch((error: AggregateError) => {
    throw error.errors[0];
  });
  if (info.startsWith('-')) throw new Error(info.slice(1));
  const version = versionOf(info);
  return version === null ? undefined : { server: serverOf(info), version };
}

function urlsOf(target: RedisTarget): string[] {
  const urls = (addresses: Address[], username = '', password = '') =>
    addresses.map(({ host, port }) => {
      const url = new URL(`redis${target.tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`);
      return Object.assign(url, { username: encodeURIComponent(username), password: encodeURIComponent(password) })
        .href;
    });
  switch (target.kind) {
    case 'socket':
      return [target.path];
    case 'single':
      return [target.url];
    case 'cluster':
      return urls(target.nodes, target.username, target.password);
    case 'sentinel':
      return urls(target.sentinels, target.sentinelUsername, target.sentinelPassword);
  }
}
