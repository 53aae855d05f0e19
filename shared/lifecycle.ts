import { flushCompileCache } from 'node:module';
import closeWithGrace from 'close-with-grace';
import { type Config, ConfigError, readConfig } from './config.ts';
import { createLogger, type Logger } from './log.ts';
import { startTracing } from './telemetry/tracing.ts';

/** What a process tells the one that started it, over IPC where there is a channel. */
export type LifecycleMessage = { type: 'ready'; url: string } | { type: 'fatal'; message: string };

/** A started process. */
export interface Running {
  /** Where it answers. */
  url: string;
  /** Stops taking work, finishes or hands back what is in hand, closes what it opened. */
  close(): Promise<void>;
}

/** Longest time for `close`, in milliseconds; then the process ends anyway and leaves its chunks to the queue. */
export const drainMs = 30_000;

/**
 * The life of a process, in one place: configuration, start, readiness, signals, crash, drain.
 * @param title `process.title`, by which people find the process.
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
      onSecondError: (error: unknown) => log?.fatal({ err: error }, 'crashed while draining'),
      onTimeout: () => log?.error({ drainMs }, 'the drain took too long and was cut off'),
    };
    const { close: drain } = closeWithGrace(options, async ({ signal, err }) => {
      draining = true;
      if (err) log?.fatal({ err }, 'crashed');
      else log?.info({ signal }, 'draining');
      // After a crash nothing in here can be trusted to finish its work; the queue gives it to another process.
      if (!err) await close();
      await tracing.stop();
    });
    // A supervisor that is gone can stop nobody any more.
    process.on('disconnect', () => {
      if (!draining) void drain();
    });
    // It may have gone before anybody listened for that.
    if (process.connected === false) void drain();
    log.info({ url }, 'ready');
    await tell({ type: 'ready', url });
    // Saved now, since a process that is killed later never does, and the next start would compile everything again.
    flushCompileCache();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A wrong setting needs no stack, and where there is a supervisor it prints the line.
    if (log && !(error instanceof ConfigError)) log.fatal({ err: error }, message);
    else if (!process.send) process.stderr.write(`${title}: ${message}\n`);
    await tell({ type: 'fatal', message });
    process.exit(1);
  }
}

const levelSignal = 'SIGUSR2';

/** Debug messages for as long as somebody looks: the first signal turns them on, the next off again. */
function switchLevelOnSignal(log: Logger): void {
  const configured = log.level;
  process.on(levelSignal, () => {
    log.level = log.level === 'debug' ? configured : 'debug';
    log.info({ now: log.level }, 'log level');
  });
}

/** Resolves once the message is on its way: a process that exits before loses it. */
const tell = (message: LifecycleMessage) =>
  new Promise<void>((sent) => {
    if (process.send) process.send(message, () => sent());
    else sent();
  });
