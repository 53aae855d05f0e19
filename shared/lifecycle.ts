import { flushCompileCache } from 'node:module';
import closeWithGrace from 'close-with-grace';
import { type Config, ConfigError, readConfig } from './config.ts';
import { releaseMemoryWhenIdle } from './idle-memory.ts';
import { createLogger, type Logger } from './log.ts';
import { startTracing } from './telemetry/tracing.ts';

/** A message that a process sends to its parent, if it was started with an IPC channel. */
export type LifecycleMessage = { type: 'ready'; url: string } | { type: 'fatal'; message: string };

/** A started process. */
export interface Running {
  /** Address on which it listens. */
  url: string;
  /** Accepts no more work, finishes or hands back the work in flight, and closes its resources. */
  close(): Promise<void>;
}

/**
 * The maximum time in ms for {@link Running.close}. After it the process exits, and the chunks of batches that it was
 * evaluating return to the queue.
 */
export const drainMs = 30_000;

/**
 * Runs a process from start to end: configuration, startup, readiness, signals, crashes, drain.
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
      // After a crash the state of this process is unreliable, so it exits. The queue gives its work to another
      // process.
      if (!err) await close();
      await tracing.stop();
    });
    // The channel closes when the supervisor, which is the parent process, ends. Nothing else would stop this process.
    process.on('disconnect', () => {
      if (!draining) void drain();
    });
    // The supervisor may have exited before the listener was added.
    if (process.connected === false) void drain();
    log.info({ url }, 'ready');
    releaseMemoryWhenIdle(log);
    await sendToParent({ type: 'ready', url });
    // Saves V8's compile cache now: a process that is killed later never saves it, and the next start would compile
    // everything again.
    flushCompileCache();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // An invalid setting needs no stack trace. If there is a supervisor, it gets the message over IPC and prints it.
    if (log && !(error instanceof ConfigError)) log.fatal({ err: error }, message);
    else if (!process.send) process.stderr.write(`${title}: ${message}\n`);
    await sendToParent({ type: 'fatal', message });
    process.exit(1);
  }
}

const levelSignal = 'SIGUSR2';

/** Switches debug messages on with the first signal and off with the next. */
function switchLevelOnSignal(log: Logger): void {
  const configured = log.level;
  process.on(levelSignal, () => {
    log.level = log.level === 'debug' ? configured : 'debug';
    log.info({ now: log.level }, 'log level');
  });
}

/** Resolves when the message has been sent. If the process exited earlier, the message would be lost. */
const sendToParent = (message: LifecycleMessage) =>
  new Promise<void>((sent) => {
    if (process.send) process.send(message, () => sent());
    else sent();
  });
