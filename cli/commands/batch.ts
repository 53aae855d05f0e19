import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { endingsInWords, labelsInWords } from '../../shared/formats.ts';
import { outputFormats } from '../batch/output-name.ts';
import { inputFormats, pipedFormats, withPipes } from '../batch/pipes.ts';
import { isReference, postReference } from '../batch/reference.ts';
import type { RunOptions } from '../batch/run.ts';
import { type CommandDeps, type Context, contextOf, interruptible } from '../context.ts';
import { exitCodes, UsageError } from '../failures.ts';
import { atLeast, between, share } from '../flags.ts';
import { checkResultFile } from '../output-file.ts';

type Flags = Omit<RunOptions, 'file' | 'formulas'> & {
  format?: string;
  offline: boolean;
  compare: boolean;
  keepFormulas: boolean;
};

/** `vls batch FILE`: a file of pairs becomes a file of scores. */
export function addBatchCommand(program: Command, deps: CommandDeps): void {
  program
    .command('batch')
    .description(
      `Score a file of pairs (${labelsInWords(inputFormats, 'or')}) into a file next to it. A second run continues.`,
    )
    .argument('<file>', `${endingsInWords(inputFormats)} (text also .gz); - for stdin; the service reads s3://…`)
    .option(
      '-o, --out <file>',
      `the output: ${endingsInWords(outputFormats)}, - for stdout; FILE.scores.csv by default; for s3://… a folder there`,
    )
    .addOption(new Option('--format <format>', 'format of stdin').choices(pipedFormats))
    .option('--force', 'replace the output if it exists', false)
    .option('-m, --model <name>', 'profile or model')
    .option('--image-column <name>', 'column with the image: address, path, data URI or base64 (image)')
    .option('--text-column <name>', 'column with the text (text)')
    .option('--id-column <name>', 'column with the id, if there is one (id)')
    .option('--delimiter <text>', 'separator of the columns of CSV and TSV')
    .option('--encoding <name>', 'of text: windows-1252, shift_jis, …; UTF-8 or UTF-16 by default')
    .option('--images <dir>', 'directory that paths of images count from; that of FILE by default')
    .option('--server-files', 'send paths as they are, for a service with IMAGE_FILE_ROOTS', false)
    .option('-n, --limit <rows>', 'only the first rows', atLeast(1))
    .option('--strict', 'refuse the file for a row that is no pair, instead of failing the row', false)
    .option('--keep-formulas', 'CSV, TSV: no apostrophe before text that a spreadsheet would run', false)
    .option('--priority <number>', 'order among your own batches, -100 to 100', between(-100, 100))
    .option('--max-failures <count>', 'stop when more rows than this have failed', atLeast(0))
    .option('--max-failure-share <share>', 'stop when a larger share has failed, 0 to 1', share)
    .option('--again', 'ignore the work of an earlier run', false)
    .option('--offline', 'score in this process, without a service', false)
    .option('--compare', 'measure the rows as a batch, and a sample of them as single requests; scores no file', false)
    .action(async (file: string, flags: Flags, command: Command) => {
      const context = contextOf(deps, command);
      if (flags.offline && flags.compare) throw new UsageError('--compare measures a service; it has no --offline');
      const { keepFormulas, ...more } = flags;
      const options: RunOptions = { ...more, file, formulas: keepFormulas ? 'keep' : 'escape' };
      if (isReference(file)) {
        if (flags.offline || flags.compare)
          throw new UsageError(`${file} is read by a service, without --offline or --compare`);
        await scoreReference(context, options);
        return;
      }
      const pipes = { file, out: flags.compare ? (options.out ?? '') : options.out, format: flags.format };
      await withPipes(pipes, process.stdin, context.stdout, async (files, writesStdout) => {
        const piped = { ...options, ...files };
        if (flags.compare) await compareRows(context, { ...piped, out: options.out });
        else
          await scoreRows(writesStdout ? { ...context, isQuiet: true, isJson: false } : context, piped, flags.offline);
      });
    });
}

async function scoreRows(context: Context, options: RunOptions, offline: boolean): Promise<void> {
  const [{ runBatch }, { failureTable, formatReport }] = await Promise.all([
    import('../batch/run.ts'),
    import('../batch/report.ts'),
  ]);
  const client = offline ? undefined : await context.connect();
  const progress = await progressOf(context);
  let batch: string | undefined;
  const onBatch = (id: string) => {
    batch = id;
  };
  const run = await interruptible(
    async (signal) => {
      try {
        return await runBatch(options, { config: context.config, client, progress, signal, onBatch });
      } finally {
        progress.stop();
      }
    },
    () => {
      const again = 'Run the same command again: it goes on from here.';
      return batch === undefined ? again : `${again} Batch ${batch} runs on; \`npx vls cancel ${batch}\` stops it.`;
    },
  );
  const { output, batchId, finished } = run;
  if (context.isJson) await context.result({ output, batchId, ...finished }, () => '');
  else if (!context.isQuiet) context.stdout.write(formatReport(run, context.stdout));
  // Failures are not progress: --quiet shows them too.
  else context.stderr.write(failureTable(finished.tally, context.stderr));
  if (finished.state === 'completed_with_errors') process.exitCode = exitCodes.someFailed;
  else if (finished.state !== 'completed') process.exitCode = exitCodes.failed;
}

/** The service reads the rows and writes the results; this only waits for it. */
async function scoreReference(context: Context, options: RunOptions): Promise<void> {
  const { exitCodeOf, formatStatus, watch } = await import('../batch/watch.ts');
  const client = await context.connect();
  let id: string | undefined;
  const status = await interruptible(
    async (signal) => {
      id = (await postReference(client, options, signal)).id;
      context.remark(`batch ${id} is read by the service`);
      return await watch(context, client, id, false, signal);
    },
    () => id && `Batch ${id} runs on; \`npx vls watch ${id}\` follows it, \`npx vls cancel ${id}\` stops it.`,
  );
  await context.result(status, () => formatStatus(status, context.stdout));
  process.exitCode = exitCodeOf(status);
}

async function compareRows(context: Context, options: RunOptions): Promise<void> {
  const [{ openInput }, { asServerFile, localImages }, { compare, formatComparison }] = await Promise.all([
    import('../batch/input.ts'),
    import('../batch/local-images.ts'),
    import('../batch/compare.ts'),
  ]);
  await checkResultFile(options, [options.file]);
  const input = await openInput(options.file, { ...options, strictness: options.strict ? 'strict' : 'lenient' });
  const images = localImages(options.images ?? dirname(options.file), context.config.imageMaxBytes);
  const client = await context.connect();
  const progress = await progressOf(context);
  const prepare: typeof images.inline = options.serverFiles ? async (item) => asServerFile(item) : images.inline;
  const comparison = await interruptible(
    async (signal) => {
      try {
        return await compare({ client, input, prepare, posting: { model: options.model }, progress, signal });
      } finally {
        progress.stop();
      }
    },
    () => undefined,
  );
  await context.result(comparison, () => formatComparison(comparison, context.stdout), options.out);
  if (comparison.singles.failed + comparison.batch.failed > 0) process.exitCode = exitCodes.someFailed;
}

async function progressOf({ isJson, isQuiet, stderr }: Context) {
  const { noProgress, showProgress } = await import('../progress.ts');
  return isJson || isQuiet ? noProgress : await showProgress(stderr);
}
