import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { childEnvironment } from '../../shared/child-environment.js';
import { endOf } from '../child-run.ts';
import type { Run } from '../keep-alive.ts';
import { readPidFile, removePidFile, writePidFile } from '../pid-file.ts';
import { untilGone } from '../process-birth.ts';

/** How a managed Redis runs: as a program, or in a container through the docker CLI in the foreground. */
export interface RedisServer {
  /** The address for ioredis: a socket path or redis://:password@127.0.0.1:port. */
  readonly url: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly logFile: string;
  readonly pidFile: string;
  /** Called before each start. Writes the configuration, and removes a leftover container. */
  prepare(): Promise<void>;
  /** Returns the process id of a running server without a pid file, or undefined. */
  findStray(): Promise<number | undefined>;
  /** Called before SIGKILL. Kills a container, which only the Docker engine can do. */
  kill(): void;
}

/** Takes over the Redis of a crashed supervisor, or starts one. */
export async function runRedis(server: RedisServer): Promise<Run> {
  const left = readPidFile(server.pidFile) ?? (await server.findStray());
  return left === undefined ? spawnRedis(server) : adopt(server, left);
}

async function spawnRedis(server: RedisServer): Promise<Run> {
  await server.prepare();
  const [program, ...args] = server.command;
  const log = openSync(server.logFile, 'a', 0o600);
  // Without its own session, Redis would end at Ctrl-C, before the service has drained.
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    // Redis 7 does not start with a locale that this system lacks. ssh may pass on one from another machine.
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
        // The process has just ended.
      }
    },
  };
}
