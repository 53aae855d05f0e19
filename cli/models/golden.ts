import { dirname } from 'node:path';
import type { Command } from 'commander';
import { called, modelFlags } from '../../shared/called.ts';
import { type CommandDeps, contextOf } from '../context.ts';
import { CommandError, UsageError } from '../failures.ts';
import { specOf } from './check.ts';

interface Options {
  python?: boolean;
  reference?: string;
  take?: string;
  force?: boolean;
}

/**
 * `vls models golden`: prints a Python script that computes golden values with the reference library, or copies its
 * values into the folder of the model.
 */
export function addGoldenCommand(models: Command, deps: CommandDeps): void {
  models
    .command('golden')
    .description('Make golden values of a model with the reference library of its family.')
    .argument('<name>', 'profile or model')
    .option('--python', 'print the Python script that makes the values')
    .option('--reference <model>', 'with --python: the name of the model in the reference library')
    .option('--take <file>', "write the values that the script printed into the model's folder")
    .option('--force', 'with --take: replace existing golden values')
    .action(async (name: string, { python, reference, take, force = false }: Options, command: Command) => {
      if ((python === undefined) === (take === undefined)) throw new UsageError('Use either --python or --take FILE');
      const context = contextOf(deps, command);
      const spec = await specOf(context.config, name);
      const { parityImages } = await import('../../models/parity/inputs.ts');
      const images = await parityImages();
      if (take === undefined) {
        const { referenceScript } = await import('../../models/parity/reference-script.ts');
        context.stdout.write(referenceScript(spec, images, reference));
        return;
      }
      const { takeGoldenValues } = await import('../../models/parity/take.ts');
      const directory = dirname(spec.tokenizerPath);
      const taken = await takeGoldenValues(take, spec, directory, images, force).catch((error: Error) => {
        throw new CommandError('golden.refused', error.message);
      });
      const { path, source, images: imageCount, texts } = taken;
      await context.result(
        { model: spec.model, ...taken },
        () =>
          `${path}: ${imageCount} images and ${texts} texts (${source})\n\`${called} models check ${spec.model}${modelFlags(context.config)}\` compares the model with them.\n`,
      );
    });
}
