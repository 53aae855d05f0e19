import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './ask.ts';
import { writeRedisConf } from './conf.ts';
import type { RedisServer } from './server.ts';
import { socketPathFor } from './socket-path.ts';

/** Describes a Redis from an installed program, on a unix socket that only this user may open. */
export function localRedis(program: string, redisDir: string): RedisServer {
  mkdirSync(redisDir, { recursive: true, mode: 0o700 });
  const socket = socketPathFor(redisDir);
  const conf = join(redisDir, 'redis.conf');
  return {
    url: socket,
    command: [program, conf],
    logFile: join(redisDir, 'redis.log'),
    pidFile: join(redisDir, 'redis.pid'),
    prepare: async () => writeRedisConf(conf, { port: '0', unixsocket: socket, unixsocketperm: '700', dir: redisDir }),
    findStray: () => findOn(socket),
    kill: () => {},
  };
}

/**
 * Returns the process id of a server that already listens on this socket, perhaps without a pid file. Two servers would
 * corrupt the append-only file.
 */
async function findOn(socket: string): Promise<number | undefined> {
  if (!existsSync(socket)) return undefined;
  const [info = ''] = await ask(socket, [['INFO', 'server']]).catch(() => []);
  const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  return Number.isNaN(pid) ? undefined : pid;
}
