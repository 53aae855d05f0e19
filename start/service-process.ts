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
// The number of times that the service may end before it is ready. After that it is not started again. Once it has been
// ready, it is restarted without limit.
const START_ATTEMPTS = 5;

export interface ServiceOptions {
  /** The script to fork. */
  script: string;
  redisUrl: string;
  /**
   * The file with the id of the service process. If the supervisor is killed, the next start finds the service process
   * by this file.
   */
  pidFile: string;
  say(line: string): void;
  /** Called each time a service process is ready: after the first start and after each restart. */
  onReady(url: string): void;
  /** Called when the service cannot run and a restart would not help. */
  onFailed(error: Error): void;
}

/**
 * Starts the service in a child process, and restarts it each time it ends. The encoders belong to the process group of
 * the service, and are killed when the service ends.
 */
export function keepService({ script, redisUrl, pidFile, say, onReady, onFailed }: ServiceOptions): Kept {
  let attempts = 0;
  let fatal: string | undefined;

  function forkService(): Run {
    const child = fork(script, [], {
      // The service has a process group of its own. Ctrl-C therefore reaches only the supervisor, which forwards it to
      // the service. When the service has crashed, the supervisor kills the group, and with it the encoders.
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // The whole environment is passed on, because the service reads all settings, including secrets.
      env: { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '16', ...process.env, ...telemetryOff, REDIS_URL: redisUrl },
    });
    child.on('message', (message: LifecycleMessage) => {
      if (message.type === 'fatal') fatal = message.message;
      else {
        attempts = Number.NEGATIVE_INFINITY;
        onReady(message.url);
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
        return new StartError(`The service ${how} ${attempts} times before it was ready; see its messages above.`);
      return undefined;
    },
    onGivenUp: onFailed,
    say,
  });
}

/**
 * Waits for the end of a service whose supervisor was killed. That service drains as soon as its channel to the
 * supervisor closes, and occupies the port until it ends. If its drain takes too long, it is killed.
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
  // This kills the encoders of that earlier service, in case they still run.
  kill();
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // The process group has no processes left.
  }
}
