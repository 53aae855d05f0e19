import type { Command } from 'commander';
import { type CommandDeps, contextOf, interruptible } from '../context.ts';
import { atLeast } from '../flags.ts';
import { checkResultFile } from '../output-file.ts';

interface Flags {
  seconds: number;
  concurrency: number;
  items: number;
  model?: string;
  out?: string;
  force?: boolean;
}

export function addBenchCommand(program: Command, deps: CommandDeps): void {
  program
    .command('bench')
    .description('Run a small load test: single requests for some seconds, then a batch.')
    .argument('[image...]', 'addresses or files; default the example photos')
    .option('-s, --seconds <number>', 'duration of the single requests', atLeast(1), 10)
    .option('-c, --concurrency <number>', 'number of concurrent single requests', atLeast(1), 4)
    .option('-n, --items <number>', 'number of items in the batch; 0 for no batch', atLeast(0), 200)
    .option('-m, --model <name>', 'profile or model')
    .option('-o, --out <file>', 'write the result to this file')
    .option('--force', 'replace the output if it exists')
    .action(async (images: string[], { seconds, concurrency, items, model, out, force }: Flags, command: Command) => {
      const context = contextOf(deps, command);
      await checkResultFile({ out, force }, images);
      const { bench, formatFigures } = await import('../bench.ts');
      const client = await context.connect();
      const { isJson, remark } = context;
      const figures = await interruptible(
        (signal) =>
          bench({ client, images, seconds, concurrency, items, model, signal, say: isJson ? () => {} : remark }),
        () => undefined,
      );
      await context.result(figures, () => formatFigures(figures, context.stdout), out);
    });
}
