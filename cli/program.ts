import { Command, CommanderError } from 'commander';
import { type Config, readConfig } from '../shared/config.ts';
import { version } from '../shared/version.ts';
import { addBatchCommand } from './commands/batch.ts';
import { addBatchesCommands } from './commands/batches.ts';
import { addBenchCommand } from './commands/bench.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addRankCommand } from './commands/rank.ts';
import { addScoreCommand } from './commands/score.ts';
import { addTrafficCommand } from './commands/traffic.ts';
import type { CommandDeps, OfflineScoring } from './context.ts';
import { failureOf } from './failures.ts';
import { json, styled, type Terminal } from './output.ts';
import { isGone, readerGone, watchReaders } from './reader-gone.ts';

/** The differences between the command line in a checkout and the standalone one. */
export interface Edition {
  /** Loads the modules that score without a service. */
  offline(): Promise<OfflineScoring>;
  /** The command that starts the service on this machine; undefined in a package without it. */
  startCommand: string | undefined;
  /**
   * Returns the address of the service that runs with the data directory of these settings; undefined in a package
   * without the service.
   */
  findOwnService: ((config: Config) => string | undefined) | undefined;
  /** Adds the commands that need the code of the service. In the standalone package they report an error. */
  addServiceCommands(program: Command, deps: CommandDeps): void;
}

/** The flags that set variables. */
const flagOf: Record<string, string> = {
  DATA_DIR: '--data-dir',
  MODELS_FILE: '--models-file',
  VLS_URL: '--url',
  VLS_API_KEY: '--key',
};

const withoutUndefined = (values: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

export async function runProgram({
  offline,
  startCommand,
  findOwnService,
  addServiceCommands,
}: Edition): Promise<void> {
  const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr };
  const stopWatching = watchReaders(terminal);

  const program = new Command('vls')
    .description('Vision-language similarity: measures how well texts describe images.')
    .version(version)
    .option('--data-dir <dir>', 'directory for all files that the program writes (DATA_DIR)')
    .option('--models-file <file>', 'registry file that extends the built-in one (MODELS_FILE)')
    .option('--url <address>', 'address of the service (VLS_URL)')
    .option('--key <key>', 'API key; prefer VLS_API_KEY, because other users of the machine can see command lines')
    .option('--json', 'print the result or the error as JSON')
    .option('--quiet', 'do not print progress or remarks')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help lists commands and options)')
    .exitOverride()
    .hook('preAction', (_program, command) => {
      // A service continues without the reader of its log.
      if (command.name() === 'start') stopWatching();
    });

  const deps: CommandDeps = {
    terminal,
    offline,
    startCommand,
    findOwnService,
    // Flags take precedence over the environment.
    config: () => {
      const { dataDir, modelsFile, url, key } = program.opts<Record<string, string | undefined>>();
      const given = withoutUndefined({ DATA_DIR: dataDir, MODELS_FILE: modelsFile, VLS_URL: url, VLS_API_KEY: key });
      const flags = Object.fromEntries(Object.keys(given).map((variable) => [variable, flagOf[variable]]));
      return readConfig({ ...process.env, ...given }, flags);
    },
  };

  addScoreCommand(program, deps);
  addRankCommand(program, deps);
  addBatchCommand(program, deps);
  addBatchesCommands(program, deps);
  addTrafficCommand(program, deps);
  addBenchCommand(program, deps);
  addServiceCommands(program, deps);
  addCompletionCommand(program, deps);

  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed the error. Its exit code is 1 instead of 2.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      const { code, message, advice, exitCode } = failureOf(error);
      if (readerGone.aborted && isGone(error)) return;
      process.exitCode = exitCode;
      if (readerGone.aborted && code === 'interrupted') return;
      if (program.opts<{ json?: boolean }>().json) terminal.stdout.write(json({ error: { code, message, advice } }));
      else {
        terminal.stderr.write(`${styled(terminal.stderr, 'red', 'error')} ${message}\n`);
        if (advice !== null) terminal.stderr.write(`${advice}\n`);
      }
    }
  }
}
