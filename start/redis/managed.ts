import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kept, keepAlive, type Run } from '../keep-alive.ts';
import { StartError } from '../start-error.ts';
import { ask } from './ask.ts';
import { type RedisServer, runRedis } from './server.ts';

// The shortest and longest pause in ms between attempts to reach a new Redis. A process listens within about 20 ms; a
// container or a large data file may take minutes.
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 250;

export interface ManagedRedis extends Kept {
  readonly url: string;
  /**
   * Resolves when Redis has loaded its data and answers. Otherwise it stays pending, and `onFailed` gets the reason.
   */
  readonly ready: Promise<void>;
}

export interface ManagedRedisOptions {
  server: RedisServer;
  /** Called before each start. Rejects if the server cannot be used. */
  check(): Promise<void>;
  say(line: string): void;
  /** Called when Redis cannot be started. After its first answer, Redis is restarted without limit instead. */
  onFailed(error: Error): void;
}

/** Runs a Redis, or takes over that of a crashed supervisor, and restarts it each time it ends. */
export function manageRedis({ server, check, say, onFailed }: ManagedRedisOptions): ManagedRedis {
  const ready = Promise.withResolvers<void>();
  let hasAnswered = false;
  async function start(): Promise<Run> {
    await check();
    return runRedis(server);
  }
  const kept = keepAlive({
    name: 'Redis',
    launch: async () => {
      const run = await start().catch((error: Error): Run => {
        if (!hasAnswered) throw error;
        // After an earlier success the cause may be transient, such as a full disk, so the supervisor tries again.
        return { ended: Promise.resolve(`could not be started (${error.message})`), signal: () => {} };
      });
      void answers(server.url, run.ended).then((isUp) => {
        hasAnswered ||= isUp;
        if (isUp) ready.resolve();
      });
      return run;
    },
    giveUp: (how) =>
      hasAnswered ? undefined : new StartError(`Redis ${how}: ${lastLine(server.logFile)} (log: ${server.logFile})`),
    onGivenUp: onFailed,
    say,
  });
  return { url: server.url, ready: ready.promise, stop: kept.stop };
}

/** Sends PING until Redis has loaded its data and answers PONG. Returns false if the server ends first. */
async function answers(url: string, ended: Promise<string>): Promise<boolean> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  for (let waitMs = FIRST_WAIT_MS; !hasEnded; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
    const [reply] = await ask(url, [['PING']]).catch(() => []);
    if (reply === 'PONG') return true;
    await delay(waitMs);
  }
  return false;
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
  } catch {
    return 'Redis wrote no log';
  }
}
