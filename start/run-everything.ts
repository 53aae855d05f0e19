import { join } from 'node:path';
import type { Config } from '../shared/config.ts';
import { describeMisspelt, findMisspeltSettings } from '../shared/misspelt-settings.ts';
import type { RedisTls } from '../shared/redis/tls.ts';
import { banner } from './banner.ts';
import { claimDataDir } from './data-dir.ts';
import type { Kept } from './keep-alive.ts';
import { DRAIN_MS, keepService } from './service-process.ts';
import { listenForStopRequests } from './stop-requests.ts';

// The time in ms between SIGTERM and SIGKILL for Redis, whose acknowledged writes are already on disk.
const REDIS_STOP_MS = 10_000;
// The exit codes after a hard stop, which shells also report for these signals.
const HARD_STOP_CODES: Record<string, number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

export interface RunEverythingOptions {
  config: Pick<Config, 'dataDir' | 'redisUrl'> & RedisTls;
  service: string;
  /** The directory in which the user typed the command. */
  cwd: string;
  say(line: string): void;
  /** Called once with the error when the service cannot run, before anything is stopped. */
  complain(error: unknown): void;
}

/** The Redis that the service uses. Its URL is already known while it starts. */
interface UsedRedis {
  readonly url: string;
  readonly ready: Promise<void>;
  /** Absent if this process does not manage the Redis. */
  readonly kept?: Kept;
}

/**
 * Runs Redis and the service until a stop request, or until one of them cannot run. Stops Redis last.
 * @returns the exit code: 0 after a drain, 128 + signal number after a hard stop, 1 after an error.
 */
export async function runEverything(options: RunEverythingOptions): Promise<number> {
  const stops = listenForStopRequests();
  const failure = Promise.withResolvers<never>();
  // Prevents an unhandled rejection, since nothing may wait for this promise yet.
  failure.promise.catch(() => {});
  // The cleanup functions, called in reverse order.
  const undo: (() => void | Promise<void>)[] = [];
  let exitCode = 0;
  try {
    const dataDir = claimDataDir(options.config.dataDir);
    undo.push(dataDir.release);
    const redis = await useRedis(options, failure.reject);
    undo.push(async () => redis.kept?.stop({ graceMs: REDIS_STOP_MS, hard: stops.hard }));
    if (!stops.drain.aborted) {
      const service = keepService({
        script: options.service,
        redisUrl: redis.url,
        pidFile: join(dataDir.path, 'service.pid'),
        say: options.say,
        onReady: announcer(options, redis.ready, dataDir.recordAddress),
        onFailed: failure.reject,
      });
      undo.push(() => service.stop({ graceMs: DRAIN_MS, hard: stops.hard }));
      await Promise.race([abortOf(stops.drain), failure.promise]);
      options.say('Draining; press Ctrl-C again to stop immediately.');
    }
  } catch (error) {
    options.complain(error);
    exitCode = 1;
  }
  for (const step of undo.reverse()) await step();
  return stops.hard.aborted ? (HARD_STOP_CODES[String(stops.hard.reason)] ?? 1) : exitCode;
}

async function useRedis({ config, say }: RunEverythingOptions, onFailed: (error: Error) => void): Promise<UsedRedis> {
  if (config.redisUrl !== undefined) {
    const url = config.redisUrl;
    void import('./redis/foreign.ts')
      .then(({ checkForeignRedis }) => checkForeignRedis(url, config, say))
      .catch(onFailed);
    return { url, ready: Promise.resolve() };
  }
  const [{ chooseRedis }, { manageRedis }] = await Promise.all([
    import('./redis/choose.ts'),
    import('./redis/managed.ts'),
  ]);
  const { server, check } = await chooseRedis(join(config.dataDir, 'redis'), say);
  const kept = manageRedis({ server, check, say, onFailed });
  return { url: kept.url, ready: kept.ready, kept };
}

function announcer(
  { cwd, say }: RunEverythingOptions,
  redisReady: Promise<void>,
  record: (url: string) => void,
): (url: string, remark: string | undefined) => void {
  let announced = false;
  return (url, remark) => {
    record(url);
    if (announced) say(`The service is available again at ${url}.`);
    else {
      const remarks = [...(remark === undefined ? [] : [remark]), ...findMisspeltSettings().map(describeMisspelt)];
      void redisReady.then(() => say(banner(url, cwd, remarks)));
    }
    announced = true;
  };
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}
