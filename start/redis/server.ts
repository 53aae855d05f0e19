import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { childEnvironment } from '../../shared/child-environment.js';
import { endOf } from '../child-run.ts';
import type { Run } from '../keep-alive.ts';
import { readPidFile, removePidFile, writePidFile } from '../pid-file.ts';
import { untilGone } from '../process-birth.ts';

/** How to run one managed Redis: as a program, or as the docker CLI in the foreground, which stands for its container. */
export interface RedisServer {
  /** What ioredis accepts: a socket path or redis://:password@127.0.0.1:port. */
  readonly url: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly logFile: string;
  readonly pidFile: string;
  /** Called before every start of a new one, to remove what a dead one left. */
  prepare(): Promise<void>;
  /** The process that serves although no pid file tells of it, if there is one. */
  findStray(): Promise<number | undefined>;
  /** Besides SIGKILL to the process. */
  kill(): void;
}

/** Takes over the Redis that a dead supervisor left, or starts one. */
export async function runRedis(server: RedisServer): Promise<Run> {
  const left = readPidFile(server.pidFile) ?? (await server.findStray());
  return left === undefined ? spawnRedis(server) : adopt(server, left);
}

async function spawnRedis(server: RedisServer): Promise<Run> {
  await server.prepare();
  const [program, ...args] = server.command;
  const log = openSync(server.logFile, 'a', 0o600);
  // A session of its own: Ctrl-C in the terminal must not end it before the service has drained.
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    // Redis 7 refuses to start under a locale that the system lacks, which ssh likes to hand on.
    env: childEnvironment(server.command[0] === 'docker' ? 'docker' : 'redis', { LC_ALL: 'C' }),
  });
  closeSync(log);
  const ended = endOf(child);
  if (child.pid !== undefined) writePidFile(server.pidFile, child.pid);
  return {
    ended: ended.finally(() => removePidFile(server.pidFile)),
    signal: (signal) => {
      if (signal === 'SIGKILL') server.kill();
      child.kill(signal);
    },
  };
}

function adopt(server: RedisServer, pid: number): Run {
  writePidFile(server.pidFile, pid);
  return {
    ended: untilGone(pid).then(() => {
      removePidFile(server.pidFile);
      return 'ended';
    }),
    signal: (signal) => {
      if (signal === 'SIGKILL') server.kill();
      try {
        process.kill(pid, signal);
      } catch {
        // It has just ended; `ended` is about to say so.
      }
    },
  };
}
