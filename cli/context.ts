import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../shared/config.ts';
import type { scoreOffline } from './batch/score-offline.ts';
import type { ServiceClient } from './client.ts';
import { CommandError, exitCodes } from './failures.ts';
import { json, styled, type Terminal } from './output.ts';
import { cannotWrite } from './output-file.ts';
import { readerGone } from './reader-gone.ts';
import type { scoreTexts } from './score-texts.ts';

/** Scores in this process and its encoders, without a service. */
export interface OfflineScoring {
  scoreOffline: typeof scoreOffline;
  scoreTexts: typeof scoreTexts;
}

export interface CommandDeps {
  terminal: Terminal;
  /** Reads the settings when a command runs. Flags take precedence over the environment. */
  config(): Config;
  /**
   * Loads the modules that score without a service.
   * @throws {CommandError} when they are not installed.
   */
  offline(): Promise<OfflineScoring>;
  /** The command that starts the service on this machine; undefined where the service is not installed. */
  startCommand: string | undefined;
  /** Returns the address of the service that runs with these settings' data directory; absent without the service. */
  findOwnService: ((config: Config) => string | undefined) | undefined;
}

interface Global {
  json?: boolean;
  quiet?: boolean;
}

export interface Context extends Terminal {
  config: Config;
  /** True to print only JSON on stdout. */
  isJson: boolean;
  /** True to print neither progress nor remarks. */
  isQuiet: boolean;
  /** Prints a remark on stderr, unless --quiet is set. */
  remark(text: string): void;
  connect(): Promise<ServiceClient>;
  /**
   * Loads the modules that score without a service.
   * @throws {CommandError} when they are not installed.
   */
  offline(): Promise<OfflineScoring>;
  /** Prints the result to stdout or into a file: JSON with `--json` and in a `.json` file, otherwise formatted. */
  result(value: unknown, format: () => string, file?: string): Promise<void>;
}

export function contextOf(
  { terminal, config: readSettings, offline, startCommand, findOwnService }: CommandDeps,
  command: Command,
): Context {
  const { json: isJson = false, quiet: isQuiet = false } = command.optsWithGlobals<Global>();
  const { stdout, stderr } = terminal;
  const config = readSettings();
  const remark = (text: string) => {
    if (!isQuiet) stderr.write(`${text}\n`);
  };
  return {
    ...terminal,
    config,
    isJson,
    isQuiet,
    remark,
    offline,
    async connect() {
      const { createClient } = await import('./client.ts');
      return createClient({
        ...config,
        startCommand,
        findOwnService: () => findOwnService?.(config),
        onWait: (reason) => remark(`${styled(stderr, 'yellow', 'waiting')} ${reason}`),
      });
    },
    async result(value, format, file) {
      const text = isJson || file?.toLowerCase().endsWith('.json') ? json(value) : format();
      if (file === undefined || file === '-') stdout.write(text);
      else {
        await writeFile(file, text).catch((error: NodeJS.ErrnoException) => {
          throw cannotWrite(file, error);
        });
      }
    },
  };
}

/**
 * Runs a task, and aborts it on SIGINT (Ctrl-C) or SIGTERM, or when the reader of its output has gone.
 * @param advice returns advice for the error message after an abort.
 * @throws {CommandError} `interrupted` after an abort.
 */
export async function interruptible<Value>(
  run: (signal: AbortSignal) => Promise<Value>,
  advice: () => string | undefined,
): Promise<Value> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  readerGone.addEventListener('abort', stop);
  if (readerGone.aborted) stop();
  try {
    return await run(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new CommandError('interrupted', 'Interrupted', { advice: advice(), exitCode: exitCodes.interrupted });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    readerGone.removeEventListener('abort', stop);
  }
}
