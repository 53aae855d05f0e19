import { fork } from 'node:child_process';
import { telemetryOff } from '../shared/child-environment.js';
import type { LifecycleMessage } from '../shared/lifecycle.ts';
import { endOf } from './child-run.ts';
import { type Kept, keepAlive, type Run } from './keep-alive.ts';
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { untilGone } from './process-birth.ts';
import { StartError } from './start-error.ts';

/** The maximum time in ms for a drain after SIGTERM. */
export const DRAIN_MS = 30_000;
// The service may end this many times before it is first ready. After that, it is restarted without limit.
const START_ATTEMPTS = 5;

export interface ServiceOptions {
  script: string;
  redisUrl: string;
  /** The file by which the next start finds the service process if the supervisor is killed. */
  pidFile: string;
  say(line: string): void;
  /** Called each time a service process is ready. */
  onReady(url: string, remark: string | undefined): void;
  onFailed(error: Error): void;
}

/**
 * Runs the service in a child process, and restarts it each time it ends. Encoders left in its process group are
 * killed.
 */
export function keepService({ script, redisUrl, pidFile, say, onReady, onFailed }: ServiceOptions): Kept {
  let attempts = 0;
  let fatal: string | undefined;

  function forkService(): Run {
    const child = fork(script, [], {
      // In its own process group, the service gets Ctrl-C only through the supervisor. After a crash, the supervisor
      // kills the group, and with it the encoders.
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // The service reads all settings, including secrets.
      env: { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '16', ...process.env, ...telemetryOff, REDIS_URL: redisUrl },
    });
    child.on('message', (message: LifecycleMessage) => {
      if (message.type === 'fatal') fatal = message.message;
      else {
        attempts = Number.NEGATIVE_INFINITY;
        onReady(message.url, message.remark);
      }
    });
    const ended = endOf(child);
    const { pid } = child;
    if (pid === undefined) return { ended, signal: () => {} };
    writePidFile(pidFile, pid);
    return {
      ended: ended.finally(() => {
        signalGroup(pid, 'SIGKILL');
        removePidFile(pidFile);
      }),
      signal: (signal) => (signal === 'SIGKILL' ? signalGroup(pid, signal) : child.kill(signal)),
    };
  }

  return keepAlive({
    name: 'The service',
    launch: async (hurry) => {
      await previousServiceGone(pidFile, hurry, say);
      return forkService();
    },
    giveUp: (how) => {
      attempts += 1;
      if (fatal !== undefined) return new StartError(fatal);
      if (attempts >= START_ATTEMPTS)
        return new StartError(
          `The service ${how} before it was ready, ${attempts} times in a row; see its messages above.`,
        );
      return undefined;
    },
    onGivenUp: onFailed,
    say,
  });
}

/**
 * Waits for the end of a service whose supervisor was killed: it drains by itself, but occupies the port. Kills it if
 * the drain takes too long.
 */
async function previousServiceGone(pidFile: string, hurry: AbortSignal, say: (line: string) => void): Promise<void> {
  const previous = readPidFile(pidFile);
  if (previous === undefined) return;
  say(`Waiting for the service of an earlier start to finish (process ${previous})…`);
  const kill = () => signalGroup(previous, 'SIGKILL');
  const patience = setTimeout(kill, DRAIN_MS);
  hurry.addEventListener('abort', kill);
  await untilGone(previous);
  hurry.removeEventListener('abort', kill);
  clearTimeout(patience);
  // The encoders of that service may still run.
  kill();
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // The group has no processes left.
  }
}
