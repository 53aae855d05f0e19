import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from './backoff.ts';

/** One run of a supervised process, from its start to its end. */
export interface Run {
  /** Resolves when the process has ended, with a phrase such as "exited with code 1". Never rejects. */
  readonly ended: Promise<string>;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface StopOptions {
  /** The time in ms between SIGTERM and SIGKILL. */
  graceMs: number;
  /** A signal that aborts when SIGKILL must be sent at once. */
  hard: AbortSignal;
}

/** A process that is restarted each time it ends, until it is stopped. */
export interface Kept {
  /** Stops the process. Resolves when the process has ended and will not be restarted. */
  stop(options: StopOptions): Promise<void>;
}

export interface KeepAliveOptions {
  /** The name of the process in messages, as the subject of a sentence, such as "Redis". */
  name: string;
  /**
   * Starts the process, or takes over one that is already running. Rejects when a restart would not help. `hurry`
   * aborts when the service must stop at once; the start must then not wait any longer.
   */
  launch(hurry: AbortSignal): Promise<Run>;
  /**
   * Called after every unexpected end of the process, with a description of that end. If it returns an error, the
   * process is not restarted.
   */
  giveUp(how: string): Error | undefined;
  /** Called when the process will not be restarted any more, and at most once. */
  onGivenUp(error: Error): void;
  say(line: string): void;
}

/**
 * Starts a process, and restarts it each time it ends. Before each restart, it prints one line and waits. The wait is
 * longer after each restart.
 */
export function keepAlive({ name, launch, giveUp, onGivenUp, say }: KeepAliveOptions): Kept {
  const stopping = new AbortController();
  const killing = new AbortController();
  const backoff = createBackoff();
  let current: Run | undefined;

  async function live(): Promise<void> {
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      current = await launch(killing.signal);
      if (stopping.signal.aborted) current.signal(killing.signal.aborted ? 'SIGKILL' : 'SIGTERM');
      const how = await current.ended;
      current = undefined;
      if (stopping.signal.aborted) return;
      const error = giveUp(how);
      if (error !== undefined) throw error;
      const waitMs = backoff(performance.now() - startedAt);
      say(`${name} ${how}; restarting in ${waitMs} ms.`);
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
  const lived = live().catch(onGivenUp);

  return {
    stop: async ({ graceMs, hard }) => {
      stopping.abort();
      current?.signal('SIGTERM');
      const kill = () => {
        killing.abort();
        current?.signal('SIGKILL');
      };
      const patience = setTimeout(kill, graceMs);
      if (hard.aborted) kill();
      hard.addEventListener('abort', kill);
      await lived;
      hard.removeEventListener('abort', kill);
      clearTimeout(patience);
    },
  };
}
