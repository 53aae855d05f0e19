import { flushCompileCache } from 'node:module';
import closeWithGrace from 'close-with-grace';
import { type Config, ConfigError, readConfig } from './config.ts';
import { releaseMemoryWhenIdle } from './idle-memory.ts';
import { createLogger, type Logger } from './log.ts';
import { describeMisspelt, findMisspeltSettings } from './misspelt-settings.ts';
import { startTracing } from './telemetry/tracing.ts';

/** A message over IPC to the parent process, if the parent opened a channel. */
export type LifecycleMessage =
  | { type: 'ready'; url: string; remark?: string | undefined }
  | { type: 'fatal'; message: string };

export interface Running {
  url: string;
  /** A sentence without a full stop that the supervisor shows to the user. */
  remark?: string;
  /** Accepts no new work, finishes the work in flight or returns it to the queue, and closes all resources. */
  close(): Promise<void>;
}

/**
 * The maximum time in ms for {@link Running.close}. Then the process exits, and its unfinished chunks (parts of a
 * batch) return to the queue.
 */
export const drainMs = 30_000;

/**
 * Runs a process from start to end, with configuration, readiness, signals, crashes and draining.
 * @param title the `process.title`, by which operators find the process.
 * @param isSupervised true if the parent process prints the address and the misspelt settings, where the user sees them.
 * Lines of level `info` are then logged only from the end of the start.
 */
export async function runProcess(
  title: string,
  start: (config: Config, log: Logger) => Promise<Running>,
  { isSupervised = false } = {},
): Promise<void> {
  process.title = title;
  let log: Logger | undefined;
  try {
    const config = readConfig();
    const { logLevel } = config;
    const isQuiet = isSupervised && logLevel === 'info' && process.send !== undefined;
    log = await createLogger({ name: title, level: isQuiet ? 'warn' : logLevel });
    switchLevelOnSignal(log, logLevel);
    for (const misspelt of isSupervised ? [] : findMisspeltSettings())
      log.warn({ variable: misspelt.variable }, describeMisspelt(misspelt));
    const [{ url, remark, close }, tracing] = await Promise.all([start(config, log), startTracing(config, title, log)]);
    let draining = false;
    const options: closeWithGrace.Options = {
      delay: config.drainDelayMs + drainMs,
      logger: false,
      skip: [levelSignal],
      onSecondError: (error: unknown) =>
        log?.fatal({ err: error }, 'another error occurred while the process was stopping'),
      onTimeout: () => log?.error({ drainMs }, 'the process did not stop within drainMs and is ended now'),
    };
    const { close: drain } = closeWithGrace(options, async ({ signal, err }) => {
      draining = true;
      if (err) log?.fatal({ err }, 'crashed');
      else log?.info({ signal }, 'draining');
      // After a crash the state is unreliable, so the process exits without draining. The queue gives its work to
      // another.
      if (!err) await close();
      await tracing.stop();
    });
    // The channel closes when the supervisor ends. Nothing else would then stop this process.
    process.on('disconnect', () => {
      if (!draining) void drain();
    });
    // The supervisor may have ended before the listener was added.
    if (process.connected === false) void drain();
    log.info({ url }, 'ready');
    log.level = logLevel;
    releaseMemoryWhenIdle(log);
    await sendToParent({ type: 'ready', url, remark });
    // A process that is killed later cannot write the compile cache, and the next start would compile everything again.
    flushCompileCache();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A stack trace does not help with an invalid setting. A supervisor prints the message that it gets over IPC.
    if (log && !(error instanceof ConfigError)) log.fatal({ err: error }, message);
    else if (!process.send) process.stderr.write(`${title}: ${message}\n`);
    await sendToParent({ type: 'fatal', message });
    process.exit(1);
  }
}

const levelSignal = 'SIGUSR2';

/** Switches debug messages on at the first signal, and off at the next. */
function switchLevelOnSignal(log: Logger, configured: string): void {
  process.on(levelSignal, () => {
    log.level = log.level === 'debug' ? configured : 'debug';
    log.info({ now: log.level }, 'log level');
  });
}

/** Resolves when the message is sent. An earlier exit would lose it. */
const sendToParent = (message: LifecycleMessage) =>
  new Promise<void>((sent) => {
    if (process.send) process.send(message, () => sent());
    else sent();
  });
