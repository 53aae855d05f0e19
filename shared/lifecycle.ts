import { flushCompileCache } from 'node:module';
import closeWithGrace from 'close-with-grace';
import { type Config, ConfigError, readConfig } from './config.ts';
import { releaseMemoryWhenIdle } from './idle-memory.ts';
import { createLogger, type Logger } from './log.ts';
import { startTracing } from './telemetry/tracing.ts';

/** A message from a process to its parent. It is sent only if the parent started the process with an IPC channel. */
export type LifecycleMessage = { type: 'ready'; url: string } | { type: 'fatal'; message: string };

/** A started process. */
export interface Running {
  /** The address on which the process listens. */
  url: string;
  /** Accepts no new work, finishes the work in flight or returns it to the queue, and closes all resources. */
  close(): Promise<void>;
}

/**
 * The maximum time in ms that {@link Running.close} may take. Afterwards the process exits, and the chunks of batches
 * that it was evaluating return to the queue. A chunk is a part of a batch.
 */
export const drainMs = 30_000;

/**
 * Runs a process from start to end: it reads the configuration, starts the work, reports readiness, handles signals and
 * crashes, and drains at the end.
 * @param title the `process.title`, by which operators find the process.
 */
export async function runProcess(
  title: string,
  start: (config: Config, log: Logger) => Promise<Running>,
): Promise<void> {
  process.title = title;
  let log: Logger | undefined;
  try {
    const config = readConfig();
    log = await createLogger({ name: title, level: config.logLevel });
    switchLevelOnSignal(log);
    const [{ url, close }, tracing] = await Promise.all([start(config, log), startTracing(config, title, log)]);
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
      // After a crash the state of this process is unreliable, so it does not drain but exits. The queue gives its work
      // to another process.
      if (!err) await close();
      await tracing.stop();
    });
    // The IPC channel closes when the parent process, the supervisor, ends. Nothing else would then stop this process.
    process.on('disconnect', () => {
      if (!draining) void drain();
    });
    // The supervisor may have ended before the listener was added.
    if (process.connected === false) void drain();
    log.info({ url }, 'ready');
    releaseMemoryWhenIdle(log);
    await sendToParent({ type: 'ready', url });
    // Writes V8's compile cache now. A process that is killed later cannot write it, and the next start would have to
    // compile everything again.
    flushCompileCache();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A stack trace does not help with an invalid setting. If there is a supervisor, it gets the message over IPC and
    // prints it.
    if (log && !(error instanceof ConfigError)) log.fatal({ err: error }, message);
    else if (!process.send) process.stderr.write(`${title}: ${message}\n`);
    await sendToParent({ type: 'fatal', message });
    process.exit(1);
  }
}

const levelSignal = 'SIGUSR2';

/** Switches debug messages on at the first signal, and off at the next. */
function switchLevelOnSignal(log: Logger): void {
  const configured = log.level;
  process.on(levelSignal, () => {
    log.level = log.level === 'debug' ? configured : 'debug';
    log.info({ now: log.level }, 'log level');
  });
}

/** Resolves when the message has been sent. If the process exited before that, the message would be lost. */
const sendToParent = (message: LifecycleMessage) =>
  new Promise<void>((sent) => {
    if (process.send) process.send(message, () => sent());
    else sent();
  });
