import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from './backoff.ts';

export interface Run {
  /** Resolves to a phrase such as "exited with code 1". Never rejects. */
  readonly ended: Promise<string>;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface StopOptions {
  /** The time in ms between SIGTERM and SIGKILL. */
  graceMs: number;
  /** Aborts when SIGKILL must be sent at once. */
  hard: AbortSignal;
}

/** A process that is restarted each time it ends, until it is stopped. */
export interface Kept {
  /** Resolves when the process has ended for good. */
  stop(options: StopOptions): Promise<void>;
}

export interface KeepAliveOptions {
  /** The subject of the messages, such as "Redis". */
  name: string;
  /**
   * Starts the process, or takes over a running one. Rejects when a restart would not help. `hurry` aborts when the
   * start must stop waiting.
   */
  launch(hurry: AbortSignal): Promise<Run>;
  /** Called after an unexpected end, with its description. A returned error prevents the restart. */
  giveUp(how: string): Error | undefined;
  /** Called at most once, when the process will not be restarted any more. */
  onGivenUp(error: Error): void;
  say(line: string): void;
}

/** Starts a process, and restarts it each time it ends, after a message and a growing delay. */
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
