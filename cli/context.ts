import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../shared/config.ts';
import type { ServiceClient } from './client.ts';
import { CommandError, exitCodes } from './failures.ts';
import { json, styled, type Terminal } from './output.ts';
import { cannotWrite } from './output-file.ts';

/** What every command is given. */
export interface CommandDeps {
  terminal: Terminal;
  /** The settings, read when a command runs. The command line goes before the environment. */
  config(): Config;
}

/** Flags that every command has. */
interface Global {
  json?: boolean;
  quiet?: boolean;
}

/** What a command that is running works with. */
export interface Context extends Terminal {
  config: Config;
  /** The result as JSON, and nothing else on stdout. */
  isJson: boolean;
  /** No progress and no remarks. */
  isQuiet: boolean;
  /** Something to know that is no result: on stderr, and not with --quiet. */
  remark(text: string): void;
  /** The service that --url, or the environment, names. */
  connect(): Promise<ServiceClient>;
  /** Gives the result: in people's words or as JSON, on stdout or into a file. */
  result(value: unknown, words: () => string, file?: string): Promise<void>;
}

/** Reads settings and flags at the start of a command's action. */
export function contextOf({ terminal, config: readSettings }: CommandDeps, command: Command): Context {
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
    async connect() {
      const { createClient } = await import('./client.ts');
      return createClient({
        ...config,
        onWait: (reason) => remark(`${styled(stderr, 'yellow', 'waiting')} ${reason}`),
      });
    },
    async result(value, words, file) {
      const text = isJson ? json(value) : words();
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
 * Runs what Ctrl-C, or a polite `kill`, may end in good order.
 * @param advice said when it was ended so.
 * @throws {CommandError} `interrupted`
 */
export async function interruptible<Value>(
  run: (signal: AbortSignal) => Promise<Value>,
  advice: () => string | undefined,
): Promise<Value> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await run(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new CommandError('interrupted', 'Interrupted', { advice: advice(), exitCode: exitCodes.interrupted });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
