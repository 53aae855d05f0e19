import type { Command } from 'commander';

/** `vls start`: the same as `npm start`. */
export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('Run the service on this machine, with its worker and its Redis, like `npm start`.')
    .action(async () => {
      const { dataDir, modelsFile } = program.opts<{ dataDir?: string; modelsFile?: string }>();
      // The option is passed on through the environment, because the child processes read their settings there.
      if (dataDir !== undefined) process.env['DATA_DIR'] = dataDir;
      if (modelsFile !== undefined) process.env['MODELS_FILE'] = modelsFile;
      await import('../../start/main.ts');
    });
}
