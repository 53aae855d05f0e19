import { type Command, InvalidArgumentError } from 'commander';
import { type CommandDeps, contextOf, interruptible } from '../command.ts';

interface Flags {
  seconds: number;
  concurrency: number;
  items: number;
  model?: string;
  out?: string;
}

/** `vls bench`: a small load test of a running service. */
export function addBenchCommand(program: Command, deps: CommandDeps): void {
  program
    .command('bench')
    .description('Load a running service a little: singles for some seconds, then a batch. Nothing is written.')
    .argument('[image...]', 'addresses or files; the example photos by default')
    .option('-s, --seconds <number>', 'how long singles are sent', above(0), 10)
    .option('-c, --concurrency <number>', 'singles at a time', above(0), 4)
    .option('-n, --items <number>', 'items of the batch; 0 for none', above(-1), 200)
    .option('-m, --model <name>', 'profile or model')
    .option('-o, --out <file>', 'write the result there')
    .action(async (images: string[], { seconds, concurrency, items, model, out }: Flags, command: Command) => {
      const context = contextOf(deps, command);
      const { bench, benchInWords } = await import('../bench.ts');
      const client = await context.connect();
      const { isJson, remark } = context;
      const figures = await interruptible(
        (signal) =>
          bench({ client, images, seconds, concurrency, items, model, signal, say: isJson ? () => {} : remark }),
        () => undefined,
      );
      await context.result(figures, () => benchInWords(figures, context.stdout), out);
    });
}

const above =
  (limit: number) =>
  (text: string): number => {
    const number = Number(text);
    if (Number.isInteger(number) && number > limit) return number;
    throw new InvalidArgumentError(`It is not a whole number above ${limit}.`);
  };
