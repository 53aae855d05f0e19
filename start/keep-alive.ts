import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from './backoff.ts';

/** One life of a supervised process. */
export interface Run {
  /** Resolves when it has ended, never rejects, to how: "exited with code 1", "was killed by SIGKILL". */
  readonly ended: Promise<string>;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface StopOptions {
  /** How long it may take to end after SIGTERM before SIGKILL, in milliseconds. */
  graceMs: number;
  /** Aborted when waiting is over at once: SIGKILL follows immediately. */
  hard: AbortSignal;
}

/** A process that is started again whenever it ends, until it is stopped. */
export interface Kept {
  /** Resolves when the process has ended and will not come back. */
  stop(options: StopOptions): Promise<void>;
}

export interface KeepAliveOptions {
  /** As the subject of a sentence: "Redis". */
  name: string;
  /**
   * Starts the process, or takes over one that lives. A rejection is a fault that restarting cannot mend.
   * `hurry` is aborted when nothing may be waited for any longer.
   */
  launch(hurry: AbortSignal): Promise<Run>;
  /** Asked after every unwanted end: an error gives up, undefined starts again. */
  giveUp(how: string): Error | undefined;
  /** Called at most once, when there is nothing more to try. */
  onGivenUp(error: Error): void;
  say(line: string): void;
}

/** Starts a process and keeps it running, with one line and a growing pause before every new start. */
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
      say(`${name} ${how}; starting it again in ${waitMs} ms.`);
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
