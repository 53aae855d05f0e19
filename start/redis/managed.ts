import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kept, keepAlive, type Run } from '../keep-alive.ts';
import { StartError } from '../start-error.ts';
import { ask } from './ask.ts';
import { type RedisServer, runRedis } from './server.ts';

// The shortest pause in ms between two attempts to reach a new Redis; the next constant is the longest pause. A Redis
// process listens within about 20 ms. A container takes seconds, or minutes if its image or a large data file must be
// loaded.
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 250;

/** A Redis that this process runs, restarts and stops. */
export interface ManagedRedis extends Kept {
  readonly url: string;
  /**
   * Resolves when Redis has loaded all data and answers. If Redis never answers, this promise stays pending and
   * `onFailed` gets the reason.
   */
  readonly ready: Promise<void>;
}

export interface ManagedRedisOptions {
  server: RedisServer;
  /** Called before each start. Rejects with the reason why the server cannot be used. */
  check(): Promise<void>;
  say(line: string): void;
  /**
   * Called when Redis cannot be started. After Redis has answered once, this function is never called: Redis is then
   * restarted without limit.
   */
  onFailed(error: Error): void;
}

/**
 * Runs a Redis, and restarts it each time it ends. If the Redis of a crashed supervisor is still running, it is taken
 * over.
 */
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
        // This Redis has run before, so the cause may be transient, for example a full disk. The failed start is
        // reported as the end of a run, so that the supervisor tries again.
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

/**
 * Sends PING until Redis answers with PONG. Redis does so only when it has loaded all data. Returns false if the server
 * ends first.
 */
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
