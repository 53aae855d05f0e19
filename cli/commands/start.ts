import { Argument, type Command } from 'commander';
import { parts } from '../../start/parts.ts';

/** `vls start [part]`: the same as `npm start`, `npm run api` and `npm run worker`. */
export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('Run the service on this machine, with its worker and its Redis.')
    .addArgument(
      new Argument('[part]', 'run only this part of the service, with the Redis at REDIS_URL').choices(
        Object.keys(parts),
      ),
    )
    .action(async (part?: keyof typeof parts) => {
      const { dataDir, modelsFile } = program.opts<{ dataDir?: string; modelsFile?: string }>();
      // The child processes read their settings from the environment.
      if (dataDir !== undefined) process.env['DATA_DIR'] = dataDir;
      if (modelsFile !== undefined) process.env['MODELS_FILE'] = modelsFile;
      await (part === undefined ? import('../../start/main.ts') : parts[part]());
    });
}
