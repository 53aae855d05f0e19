import { Command, CommanderError } from 'commander';
import { readConfig } from '../shared/config.ts';
import { version } from '../shared/version.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKeysCommand } from './commands/keys.ts';
import { addModelsCommand } from './commands/models.ts';
import { failureOf } from './failure.ts';
import { json, styled, type Terminal } from './output.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. */
const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr };

const program = new Command('vls')
  .description('Vision-language similarity: the service on the command line.')
  .version(version)
  .option('--data-dir <dir>', 'directory for everything that is written (DATA_DIR)')
  .option('--models-file <file>', 'registry file merged over the built-in one (MODELS_FILE)')
  .option('--json', 'print the result, or the failure, as JSON')
  .showSuggestionAfterError()
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

const deps = {
  terminal,
  // The command line goes before the environment.
  config: () => {
    const { dataDir, modelsFile } = program.opts<{ dataDir?: string; modelsFile?: string }>();
    return readConfig({
      ...process.env,
      ...(dataDir !== undefined && { DATA_DIR: dataDir }),
      ...(modelsFile !== undefined && { MODELS_FILE: modelsFile }),
    });
  },
};
addModelsCommand(program, deps);
addDoctorCommand(program, deps);
addKeysCommand(program, { terminal, config: () => readConfig() });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong; its own code for that is 1.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { code, message, advice, exitCode } = failureOf(error);
    if (program.opts<{ json?: boolean }>().json) terminal.stdout.write(json({ error: { code, message, advice } }));
    else {
      terminal.stderr.write(`${styled(terminal.stderr, 'red', 'error')} ${message}\n`);
      if (advice !== null) terminal.stderr.write(`${advice}\n`);
    }
    process.exitCode = exitCode;
  }
}
