import { fork } from 'node:child_process';
import { telemetryOff } from '../shared/child-environment.js';
import type { LifecycleMessage } from '../shared/lifecycle.ts';
import { endOf } from './child-run.ts';
import { type Kept, keepAlive, type Run } from './keep-alive.ts';
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { untilGone } from './process-birth.ts';
import { StartError } from './start-error.ts';

/** How long the service may drain after SIGTERM, in milliseconds. */
export const DRAIN_MS = 30_000;
// A service that dies this often before it was ever ready will not be ready the next time.
const START_ATTEMPTS = 5;

export interface ServiceOptions {
  /** The script to fork. */
  script: string;
  redisUrl: string;
  /** Where the process is noted, so that the next start finds it should the supervisor be killed. */
  pidFile: string;
  say(line: string): void;
  /** Called every time a service process is ready, restarted ones included. */
  onReady(url: string): void;
  /** Called when it cannot run and restarting it would not help. */
  onFailed(error: Error): void;
}

/** Forks the service and keeps it running. Its encoders share its process group and never outlive it. */
export function keepService({ script, redisUrl, pidFile, say, onReady, onFailed }: ServiceOptions): Kept {
  let attempts = 0;
  let fatal: string | undefined;

  function forkService(): Run {
    const child = fork(script, [], {
      // A group of its own: Ctrl-C in the terminal is the supervisor's to hand on, and a crash leaves no encoders behind.
      detached: true,
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // The service reads all settings, secrets included.
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
        return new StartError(
          `The service ${how} ${attempts} times before it was ready; its own messages stand above.`,
        );
      return undefined;
    },
    onGivenUp: onFailed,
    say,
  });
}

/** The service of a killed supervisor sees its channel close and drains; until it has, it holds the port. */
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
  // Its encoders, should they not have noticed.
  kill();
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in it.
  }
}
