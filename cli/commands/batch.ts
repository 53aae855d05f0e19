import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import type { ColumnNames } from '../../formats/format.ts';
import { called } from '../../shared/called.ts';
import { embeddingPrecision, embeddingsFormat, kept } from '../../shared/contracts/batch/embeddings.ts';
import { maxNameLength } from '../../shared/contracts/batch/fields.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { endingsInWords, labelsInWords } from '../../shared/formats.ts';
import { checkKeeping, formatKept, type KeepFlags, parseTop } from '../batch/keep-flags.ts';
import { outputFormats } from '../batch/output-name.ts';
import { inputFormats, pipedFormats, withPipes } from '../batch/pipes.ts';
import { isReference, outputsOfReferences, postReference } from '../batch/reference.ts';
import type { RunOptions, RunResult } from '../batch/run.ts';
import { expandShards, outputsOf } from '../batch/shards.ts';
import { type CommandDeps, type Context, contextOf, interruptible } from '../context.ts';
import { exitCodes, UsageError } from '../failures.ts';
import { atLeast, between, columnSeparator, scoreLimit, share } from '../flags.ts';
import { checkResultFile } from '../output-file.ts';

type Flags = Omit<RunOptions, 'file' | 'formulas'> & {
  format?: string;
  offline: boolean;
  compare: boolean;
  keepFormulas: boolean;
} & KeepFlags;

export function addBatchCommand(program: Command, deps: CommandDeps): void {
  program
    .command('batch')
    .description(
      `Score a file of pairs (${labelsInWords(inputFormats, 'or')}) into an output file. A second run continues the first.`,
    )
    .argument(
      '<file...>',
      `${endingsInWords(inputFormats)} (.gz may follow, except after .parquet); or a folder of images with captions, - for stdin, or an s3:// address that the service reads`,
    )
    .option(
      '-o, --out <file>',
      `output: ${endingsInWords(outputFormats)}, or - for stdout; default: FILE.scores.csv; for an s3:// input: a folder of a bucket`,
    )
    .addOption(new Option('--format <format>', 'format of the rows on stdin').choices(pipedFormats))
    .option('--force', 'replace the output if it exists', false)
    .option('-m, --model <name>', 'profile or model')
    .option('--name <text>', 'name of the batch on the service; default the name of FILE')
    .option('--tag <tag...>', 'tags of the batch on the service')
    .option(
      '--image-column <name>',
      'name of the column that contains the image as address, path, data URI or base64 (default: image)',
    )
    .option('--text-column <name>', 'name of the column that contains the text (default: text)')
    .option('--id-column <name>', 'name of the column that contains an optional id (default id)')
    .option(
      '--delimiter <text>',
      'separator of the columns of CSV and TSV: one to four characters, or tab',
      columnSeparator,
    )
    .option('--encoding <name>', 'encoding of text: windows-1252, shift_jis, …; default UTF-8 or UTF-16')
    .option('--images <dir>', 'base directory of image paths; default the directory of FILE')
    .option(
      '--server-files',
      'send image paths instead of the images: the service reads the files below its IMAGE_FILE_ROOTS',
      false,
    )
    .option('-n, --limit <rows>', 'score only this number of rows, from the first', atLeast(1))
    .option(
      '--strict',
      'refuse the whole file if a row is malformed or lacks its image or text column; by default only that row fails',
      false,
    )
    .option('--keep-formulas', 'CSV, TSV: do not escape cells that a spreadsheet would run as formulas', false)
    .option('--priority <number>', 'priority among your own batches, -100 to 100', between(-100, 100))
    .option('--max-failures <count>', 'stop when more rows than this have failed', atLeast(0))
    .option('--max-failure-share <share>', 'stop when more than this share of the rows has failed, 0 to 1', share)
    .addOption(
      new Option(
        '--embeddings <kind>',
        'store the embeddings of the batch on the service, and write them next to the output',
      ).choices(kept.options),
    )
    .addOption(
      new Option('--embedding-format <format>', 'format of the embedding files')
        .choices(embeddingsFormat.options)
        .default('npy'),
    )
    .addOption(
      new Option('--embedding-precision <type>', 'number type of the stored embeddings; default float16').choices(
        embeddingPrecision.options,
      ),
    )
    .option(
      '--images-from <batch>',
      'use the stored image embeddings of this earlier batch; the image column then contains the indexes of its items',
    )
    .option(
      '--keep <dir>',
      'tar and Parquet: write the selected samples into this folder, one file for each input file; --out must then name a folder too',
    )
    .option(
      '--min-score <score>',
      'with --keep, and for tars and Parquet of a bucket: keep the samples that have at least this score',
      scoreLimit,
    )
    .option(
      '--top <share>',
      'with --keep, and for a tar or Parquet of a bucket: keep the samples with the highest scores over all input files: a share such as 30%, or a number such as 100000',
      parseTop,
    )
    .option(
      '--again',
      'start over, ignoring an earlier run; the service may still have embeddings of the same images and texts',
      false,
    )
    .option('--offline', 'score in this process, without a service', false)
    .option('--compare', 'compare the speed of a batch with single requests; writes no scores', false)
    .action(async (patterns: string[], flags: Flags, command: Command) => {
      const context = contextOf(deps, command);
      const files = await expandShards(patterns);
      if (files.every(isReference)) return await scoreReferences(context, files, flags);
      if (files.length > 1 || flags.keep !== undefined) return await scoreShards(context, files, flags);
      const [file = ''] = files;
      if (flags.offline && (flags.embeddings ?? flags.imagesFrom) !== undefined)
        throw new UsageError('--embeddings and --images-from need a service and do not work with --offline');
      await checkKeeping(files, flags);
      if (flags.offline && flags.compare)
        throw new UsageError('--compare measures a service and does not work with --offline');
      const { keepFormulas, ...more } = flags;
      const options: RunOptions = { ...more, file, formulas: keepFormulas ? 'keep' : 'escape' };
      const pipes = { file, out: flags.compare ? (options.out ?? '') : options.out, format: flags.format };
      await withPipes(pipes, process.stdin, context.stdout, async (files, writesStdout) => {
        // Embedding files next to the temporary file of stdout would be lost, so the embeddings remain on the service.
        const embeddingFormat = writesStdout ? false : options.embeddingFormat;
        const piped = { ...options, ...files, embeddingFormat };
        if (flags.compare) await compareRows(context, { ...piped, out: options.out });
        else
          await scoreRows(writesStdout ? { ...context, isQuiet: true, isJson: false } : context, piped, flags.offline);
      });
    });
}

/** Scores several files (shards) one after another. A second run skips completely scored files. */
async function scoreShards(context: Context, files: readonly string[], flags: Flags): Promise<void> {
  const {
    compare: isCompared,
    offline,
    out,
    keepFormulas,
    keep: _keep,
    minScore: _minScore,
    top: _top,
    ...more
  } = flags;
  const alone = files.find((file) => file === '-' || isReference(file));
  if (alone !== undefined) throw new UsageError(`${alone} must be the only input file`);
  if (isCompared) throw new UsageError('--compare takes one file only');
  if (more.limit !== undefined) throw new UsageError('--limit works with one file only');
  const { openInput } = await import('../batch/input.ts');
  // All shards and flags are checked before the first shard is scored.
  const columnNames: ColumnNames[] = [];
  for (const file of files) columnNames.push((await openInput(file, { ...more, strictness: 'lenient' })).columnNames);
  const keeping = await checkKeeping(files, flags);
  const outputs = await outputsOf(files, out);
  const formulas = keepFormulas ? 'keep' : 'escape';
  const runs: ({ file: string } & Pick<RunResult, 'output' | 'embeddings' | 'batchId'> & RunResult['finished'])[] = [];
  let worst: number = exitCodes.done;
  for (const [at, file] of files.entries()) {
    context.remark(`${at + 1} of ${files.length}: ${file}`);
    const run = await scoreFile(context, { ...more, file, out: outputs[at], formulas }, offline);
    const { output, embeddings, batchId, finished } = run;
    runs.push({ file, output, embeddings, batchId, ...finished });
    const code = exitCodeOfState(run.finished.state);
    if (code !== exitCodes.done && worst !== exitCodes.failed) worst = code;
  }
  const shards = columnNames.flatMap((columns, at) => {
    const run = runs[at];
    return run === undefined ? [] : [{ file: run.file, output: run.output, columns }];
  });
  const { keepSamples } = await import('../batch/keep.ts');
  const kept =
    keeping &&
    (await interruptible(
      (signal) => keepSamples(shards, keeping, signal),
      () => rerun,
    ));
  if (context.isJson) await context.result({ shards: runs, ...(kept && { kept }) }, () => '');
  else if (kept !== undefined && !context.isQuiet) context.stdout.write(formatKept(kept));
  process.exitCode = worst;
}

async function scoreRows(context: Context, options: RunOptions, offline: boolean): Promise<void> {
  const run = await scoreFile(context, options, offline);
  const { output, embeddings, batchId, finished } = run;
  if (context.isJson) await context.result({ output, embeddings, batchId, ...finished }, () => '');
  process.exitCode = exitCodeOfState(finished.state);
}

const exitCodeOfState = (state: string): number =>
  state === 'completed' ? exitCodes.done : state === 'completed_with_errors' ? exitCodes.someFailed : exitCodes.failed;

const rerun = 'Run the same command again to continue.';

async function scoreFile(context: Context, options: RunOptions, offline: boolean): Promise<RunResult> {
  const [{ runBatch }, { failureTable, formatReport }] = await Promise.all([
    import('../batch/run.ts'),
    import('../batch/report.ts'),
  ]);
  const scorer = offline ? await context.offline() : { client: await context.connect() };
  const progress = await progressOf(context);
  let batch: string | undefined;
  const onBatch = (id: string) => {
    batch = id;
  };
  const run = await interruptible(
    async (signal) => {
      try {
        return await runBatch(options, { config: context.config, scorer, progress, signal, onBatch });
      } finally {
        progress.stop();
      }
    },
    () => {
      const resume = rerun;
      return batch === undefined
        ? resume
        : `${resume} Batch ${batch} keeps running; \`${called} cancel ${batch}\` stops it.`;
    },
  );
  if (context.isJson) return run;
  if (!context.isQuiet) context.stdout.write(formatReport(run, context.stdout));
  // The failures are printed even with --quiet.
  else context.stderr.write(failureTable(run.finished.tally, context.stderr));
  return run;
}

/**
 * Posts a batch for each file of a bucket, and waits until all have ended. The service reads the rows, and writes the
 * results and (for a tar or Parquet) the selected samples.
 */
async function scoreReferences(context: Context, files: readonly string[], flags: Flags): Promise<void> {
  const { keepFormulas: _keepFormulas, ...options } = flags;
  const [first = ''] = files;
  if (flags.offline || flags.compare)
    throw new UsageError(`${first} can only be read by a service; leave out --offline and --compare`);
  if (flags.keep !== undefined)
    throw new UsageError(
      'The service writes the kept samples into the folder of the results (--out); leave out --keep',
    );
  if (files.length > 1 && flags.top !== undefined)
    throw new UsageError('--top selects the best samples of one object; use --min-score for several objects');
  const { exitCodeOf, formatStatus, watch } = await import('../batch/watch.ts');
  const client = await context.connect();
  const open: string[] = [];
  const statuses = await interruptible(
    async (signal) => {
      // All batches are posted before the first wait, so that the service is never idle between two.
      for (const [at, file] of files.entries()) {
        const out = outputsOfReferences(files, flags.out)[at];
        const { id } = await postReference(client, { ...options, formulas: 'escape', file, out }, signal);
        open.push(id);
        context.remark(`the service reads batch ${id}${files.length > 1 ? `: ${file}` : ''}`);
      }
      const ended: BatchStatus[] = [];
      for (const id of [...open]) {
        ended.push(await watch(context, client, id, false, signal));
        open.shift();
      }
      return ended;
    },
    () =>
      open
        .map(
          (id) =>
            `Batch ${id} keeps running; \`${called} watch ${id}\` follows it, \`${called} cancel ${id}\` stops it.`,
        )
        .join('\n'),
  );
  const [only, ...others] = statuses;
  const words = () => statuses.map((status) => formatStatus(status, context.stdout)).join('');
  await context.result(others.length === 0 ? only : { shards: statuses }, words);
  process.exitCode = Math.max(...statuses.map(exitCodeOf));
}

async function compareRows(context: Context, options: RunOptions): Promise<void> {
  const [{ openInput }, { asServerFile, localImages }, { compare, formatComparison }] = await Promise.all([
    import('../batch/input.ts'),
    import('../batch/local-images.ts'),
    import('../batch/compare.ts'),
  ]);
  await checkResultFile(options, [options.file]);
  const input = await openInput(options.file, { ...options, strictness: options.strict ? 'strict' : 'lenient' });
  const images = localImages(options.images ?? input.directory, context.config.imageMaxBytes);
  const client = await context.connect();
  const progress = await progressOf(context);
  const prepare: typeof images.inline = options.serverFiles ? async (item) => asServerFile(item) : images.inline;
  const comparison = await interruptible(
    async (signal) => {
      try {
        const suffix = ' (comparison)';
        const name = (options.name ?? basename(options.file)).slice(0, maxNameLength - suffix.length) + suffix;
        const posting = { name, model: options.model };
        return await compare({ client, input, prepare, posting, progress, signal });
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
