import { setTimeout } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { called } from '../../shared/called.ts';
import { maxRetentionHours, minRetentionHours } from '../../shared/contracts/batch/changes.ts';
import {
  type EmbeddingKind,
  embeddingKind,
  embeddingsFormat,
  kindsOf,
} from '../../shared/contracts/batch/embeddings.ts';
import type { BatchList } from '../../shared/contracts/batch/list.ts';
import { maxSample, resultOrders, sameBys } from '../../shared/contracts/batch/results.ts';
import { type BatchStatus, batchStates } from '../../shared/contracts/batch/status.ts';
import { endingsInWords, formatNamed, itemsQuery } from '../../shared/formats.ts';
import { countWith, type Remedies } from '../../shared/remedies.ts';
import { lastingLines, readRemedies } from '../batch/lasting-failures.ts';
import { type LatestRetry, linesOf, readLatestRetry } from '../batch/latest-retry.ts';
import { outputFormatOf, outputFormats } from '../batch/output-name.ts';
import { exitCodeOf, formatStatus, pathOf, watch } from '../batch/watch.ts';
import type { ServiceClient } from '../client.ts';
import { type CommandDeps, type Context, contextOf, interruptible } from '../context.ts';
import { CommandError, UsageError } from '../failures.ts';
import { atLeast, between, hoursBetween, scoreLimit } from '../flags.ts';
import { inUtc, json, table } from '../output.ts';
import { checkOutput, checkResultFile } from '../output-file.ts';
import { counted, whole } from '../progress.ts';
import { rowCounter } from '../row-counter.ts';
import { wholeId } from '../whole-id.ts';

export function addBatchesCommands(program: Command, deps: CommandDeps): void {
  program
    .command('batches')
    .description('List your batches, the latest first.')
    .option('-n, --limit <number>', 'maximum number of batches to list, at most 200', between(1, 200), 20)
    .option(
      '--state <state,...>',
      `only batches in these states: ${batchStates.join(', ')}; or done, for the two states with completed`,
      parseStates,
    )
    .option('--search <text>', 'only batches whose name, id or tag contains this text')
    .option('--tag <tag>', 'only batches with this tag')
    .action(async (options: ListOptions, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      const query = new URLSearchParams({
        limit: String(options.limit),
        ...(options.state && { state: options.state }),
        ...(options.search && { q: options.search }),
        ...(options.tag && { tag: options.tag }),
      });
      const list = await client.json<BatchList>(`/v1/evaluation/batch?${query}`);
      await context.result(list, () => {
        if (list.batches.length === 0) return 'There are no batches.\n';
        const rows = list.batches.map((batch) => {
          const { id, name, state, items, model, createdAt } = batch;
          return [
            id,
            state,
            whole(items.total),
            whole(items.failed),
            `${Math.floor((100 * (items.total - items.pending)) / Math.max(1, items.total))} %`,
            model,
            inUtc(createdAt),
            [name, originOf(batch)].filter(Boolean).join(', '),
          ];
        });
        return table(context.stdout, [
          ['BATCH', 'STATE', 'ITEMS', 'FAILED', 'DONE', 'MODEL', 'POSTED (UTC)', 'NAME'],
          ...rows,
        ]);
      });
    });

  program
    .command('watch')
    .description('Follow a batch to its end.')
    .argument('<id>', 'id of the batch, or its first 8 characters or more')
    .option('--events', 'print each event as one line of JSON')
    .action(async (given: string, options: { events?: boolean }, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      const id = await wholeId(client, given);
      const status = await interruptible(
        async (signal) => {
          // Fails at once if the address or the id is wrong. A connection that breaks later is re-established.
          await client.json<BatchStatus>(pathOf(id), { signal });
          return await watch(context, client, id, options.events ?? false, signal);
        },
        () =>
          `The batch keeps running. \`${called} watch ${id}\` follows it again, \`${called} cancel ${id}\` stops it.`,
      );
      if (!options.events) await context.result(status, () => formatStatus(status, context.stdout));
      process.exitCode = exitCodeOf(status);
    });

  program
    .command('cancel')
    .description('Cancel batches. Items that have been scored keep their results.')
    .argument('<id...>', 'ids of the batches, or their first 8 characters or more')
    .action(async (ids: string[], _options: object, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      const stopped: BatchStatus[] = [];
      const ended = new Set<BatchStatus>();
      for (const given of ids) {
        const id = await wholeId(client, given);
        const before = await client.json<BatchStatus>(pathOf(id));
        const after = await cancel(client, id);
        stopped.push(after);
        if (before.finishedAt !== null) ended.add(after);
      }
      const remark = '  it had already ended; nothing was cancelled\n';
      await context.result({ batches: stopped }, () =>
        stopped.map((status) => `${formatStatus(status, context.stdout)}${ended.has(status) ? remark : ''}`).join(''),
      );
    });

  program
    .command('retry')
    .description('Score the failed items of a batch that may succeed now, as a new batch.')
    .argument('<id>', 'id of the batch, or its first 8 characters or more')
    .option('--all', 'score all failed items, also those that would fail again unless something has changed')
    .option('--cancelled', 'score the cancelled items, too')
    .option('--again', 'score the items again that the latest retry of the batch has scored or scores')
    .action(async (id: string, options: RetryOptions, command: Command) => {
      await retry(contextOf(deps, command), id, options);
    });

  program
    .command('change')
    .description('Change the name, the tags or the retention of a batch.')
    .argument('<id>', 'id of the batch, or its first 8 characters or more')
    .option('--name <text>', 'the new name')
    .option('--tag <tag...>', 'the new tags')
    .option(
      '--retention <hours>',
      `hours for which the batch is stored after it has finished, at most ${maxRetentionHours}`,
      hoursBetween(minRetentionHours, maxRetentionHours),
    )
    .action(async (given: string, { name, tag: tags, retention }: ChangeOptions, command: Command) => {
      const context = contextOf(deps, command);
      if ((name ?? tags ?? retention) === undefined) throw new UsageError('Give --name, --tag or --retention');
      const client = await context.connect();
      const id = await wholeId(client, given);
      const status = await client.json<BatchStatus>(pathOf(id), {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: () => JSON.stringify({ name, tags, retentionHours: retention }),
      });
      await context.result(status, () => `${formatStatus(status, context.stdout)}${describeChange(status, retention)}`);
    });

  program
    .command('results')
    .description('Read the results of a batch, also while it runs.')
    .argument('<id>', 'id of the batch, or its first 8 characters or more')
    .option('-o, --out <file>', `write the results to this file: ${endingsInWords(outputFormats)}`)
    .option('--force', 'replace the output if it exists')
    .addOption(
      new Option(
        '--format <format>',
        'output format; default: by the ending of the file name, otherwise csv (with --json: ndjson)',
      ).choices(outputFormats.flatMap(({ endings }) => endings)),
    )
    .addOption(
      new Option('--status <status>', 'only results with this status').choices(['succeeded', 'failed', 'cancelled']),
    )
    .option('--min-score <score>', 'only results with this score or more', scoreLimit)
    .option('--max-score <score>', 'only results with this score or less', scoreLimit)
    .option('--search <text>', 'only results whose id or text contains this text')
    .option(
      '--top <share>',
      'only the results with the highest scores: a share such as 30%, or a number such as 100000',
    )
    .addOption(new Option('--sort <order>', 'order of the results, such as -score').choices(resultOrders))
    .addOption(
      new Option(
        '--distinct <by>',
        'only one result of each image, or of each image and text: the first one in the order of the results; results without a score are not grouped',
      ).choices(sameBys),
    )
    .option('--same-image-as <index>', 'only results with the same image as the item that has this index', atLeast(0))
    .option(
      '--same-pair-as <index>',
      'only results with the same image and text as the item that has this index',
      atLeast(0),
    )
    .option('--sample <rows>', 'only this number of results, drawn at random', between(1, maxSample))
    .option('--seed <number>', 'with --sample: another number draws other results; default 0', atLeast(0))
    .option(
      '-n, --limit <rows>',
      'with --sort, --top, --distinct or --sample: write only this number of rows, from the first',
      between(1, 10_000),
    )
    .option('--keep-formulas', 'CSV, TSV: do not escape cells that a spreadsheet would run as formulas')
    .action(async (id: string, options: ResultOptions, command: Command) => {
      await results(contextOf(deps, command), id, options);
    });

  program
    .command('embeddings')
    .description('Read the embeddings that a batch stores, when it has ended.')
    .argument('<id>', 'id of the batch, or its first 8 characters or more')
    .addOption(
      new Option('--kind <kind>', 'needed if the batch stores image and text embeddings').choices(
        embeddingKind.options,
      ),
    )
    .option('-o, --out <file>', 'write to this file: .npy or .parquet; default ID.KIND.npy')
    .option('--force', 'replace the output if it exists')
    .action(async (id: string, options: EmbeddingsOptions, command: Command) => {
      await readEmbeddings(contextOf(deps, command), id, options);
    });
}

/** Formats the values that `change` can set. A running batch has no time of deletion yet. */
function describeChange({ name, tags, expiresAt }: BatchStatus, retention: number | undefined): string {
  const stored =
    expiresAt !== null
      ? `until ${inUtc(expiresAt)} UTC`
      : retention !== undefined && `for ${retention} h after its end`;
  return [`  name: ${name ?? '-'}`, `  tags: ${tags.join(', ') || '-'}`, ...(stored ? [`  stored ${stored}`] : [])]
    .map((line) => `${line}\n`)
    .join('');
}

/** Returns the origin of a listed batch, in the words of the page: a retry has the name of its original. */
function originOf({ retryOf, retryStatus, rescoreOf, texts, items }: BatchStatus): string | undefined {
  const isContinuation = retryStatus?.length === 1 && retryStatus[0] === 'cancelled';
  const count = whole(items.total);
  if (retryOf) return `${count} ${isContinuation ? 'continued' : 'retried'} from ${retryOf.slice(0, 8)}`;
  if (!rescoreOf) return undefined;
  return `${texts === 'others' ? 'wrong pairs' : 'rescore'} of ${rescoreOf.slice(0, 8)}`;
}

/** The waits in ms between looks at a batch that is being cancelled. */
const cancelLooks = Array<number>(20).fill(500);

/** Cancels a batch. A busy service may answer before it has stopped the batch, so this waits for the end. */
async function cancel(client: ServiceClient, id: string): Promise<BatchStatus> {
  let status = await client.post<BatchStatus>(`${pathOf(id)}/cancel`, {});
  for (const ms of cancelLooks) {
    if (status.finishedAt !== null) break;
    await setTimeout(ms);
    status = await client.json<BatchStatus>(pathOf(id));
  }
  return status;
}

/** Which items to retry besides the failed ones that may succeed. */
interface ChosenItems {
  all: boolean;
  cancelled: boolean;
}

interface RetryOptions {
  all?: boolean;
  cancelled?: boolean;
  again?: boolean;
}

async function retry(context: Context, given: string, { all = false, cancelled = false, again = false }: RetryOptions) {
  const client = await context.connect();
  const id = await wholeId(client, given);
  const original = await client.json<BatchStatus>(pathOf(id));
  const remedies = await readRemedies(client, original);
  const latest = await readLatestRetry(client, original);
  const chosen = { all, cancelled };
  checkRetry(original, remedies, latest, chosen);
  if (!again && latest !== undefined) checkNotRetried(original, remedies, latest, chosen);
  const query = new URLSearchParams({
    ...(cancelled && { status: 'failed,cancelled' }),
    ...(!all && { retryable: 'true' }),
  });
  const child = await client.post<BatchStatus>(`${pathOf(id)}/retry?${query}`, {});
  const hasFailed = all ? original.items.failed > 0 : remedies.retry !== undefined;
  const which = [
    ...(hasFailed ? [all ? 'all failed items' : 'the failed items that may succeed'] : []),
    ...(cancelled && original.items.cancelled > 0 ? ['the cancelled items'] : []),
  ];
  const lines = [
    ...(latest === undefined ? [] : [`${latest.outcome}.`]),
    `batch ${child.id} has ${counted(child.items.total, 'item')}: ${which.join(' and ')}`,
    ...(all ? sentBytesLines(remedies) : lastingLines(original, remedies)),
    `Follow it with \`${called} watch ${child.id}\`. Then \`${called} results ${child.id} --out retried-${child.id.slice(0, 8)}.csv\` writes the new scores. The column retry_of_index of the file is the index in the results of batch ${id}.`,
    `Batch ${id} and the files with its scores stay unchanged.`,
  ];
  await context.result(child, () => `${lines.join('\n')}\n`);
}

const sentBytesLines = (remedies: Remedies): string[] =>
  countWith(remedies, 'file', 'image') === 0
    ? []
    : [
        `A retry uses image bytes that were sent. If you have corrected local files, run the same \`${called} batch\` command with --again.`,
      ];

/** @throws {CommandError} when an ended batch has no item to retry, with the next steps. */
function checkRetry(
  original: BatchStatus,
  remedies: Remedies,
  latest: LatestRetry | undefined,
  { all, cancelled }: ChosenItems,
): void {
  const { id, items, finishedAt } = original;
  // The service refuses a batch that has not ended.
  if (finishedAt === null || (cancelled && items.cancelled > 0)) return;
  if (all ? items.failed > 0 : remedies.retry !== undefined) return;
  const ways = [
    ...(latest === undefined ? [] : linesOf(latest)),
    ...(latest?.replacesSteps ? [] : lastingLines(original, remedies).slice(1)),
    ...(items.cancelled > 0 && !latest?.covered.cancelled
      ? [`\`${called} retry ${id} --cancelled\` scores the cancelled items.`]
      : []),
  ];
  throw new CommandError('batch.nothing_to_retry', nothingToRetry(original, cancelled), {
    advice: ways.join('\n') || undefined,
  });
}

/** @throws {CommandError} when the latest retry has all chosen items, with the next steps. */
function checkNotRetried(
  { id, items }: BatchStatus,
  remedies: Remedies,
  { outcome, steps, covered }: LatestRetry,
  { all, cancelled }: ChosenItems,
): void {
  const hasFailed = all ? items.failed > 0 : remedies.retry !== undefined;
  if (hasFailed && !(all ? covered.all : covered.retryable)) return;
  if (cancelled && items.cancelled > 0 && !covered.cancelled) return;
  const flags = `${all ? ' --all' : ''}${cancelled ? ' --cancelled' : ''} --again`;
  const ways = [...steps, `\`${called} retry ${id}${flags}\` scores all of them again.`];
  throw new CommandError('batch.already_retried', outcome, { advice: ways.join('\n') });
}

function nothingToRetry({ id, items }: BatchStatus, cancelled: boolean): string {
  const wouldFail = 'would fail again unless something has changed';
  const count = counted(items.failed, 'failed item');
  if (!cancelled) {
    if (items.failed === 0) return `No item of batch ${id} has failed`;
    return `${items.failed === 1 ? 'The failed item' : `All ${count}`} of batch ${id} ${wouldFail}`;
  }
  const rest = items.failed === 0 ? 'none has failed' : `${items.failed === 1 ? '' : 'all '}${count} ${wouldFail}`;
  return `No item of batch ${id} was cancelled, and ${rest}`;
}

interface EmbeddingsOptions {
  kind?: EmbeddingKind;
  out?: string;
  force?: boolean;
}

async function readEmbeddings(context: Context, given: string, { kind, out, force }: EmbeddingsOptions) {
  const client = await context.connect();
  const id = await wholeId(client, given);
  const { embeddings } = await client.json<BatchStatus>(pathOf(id));
  const [only, more] = embeddings === null ? [] : kindsOf(embeddings.of);
  if (kind === undefined && more !== undefined) {
    throw new UsageError(
      `Batch ${id} stores embeddings of both kinds; add --kind ${embeddingKind.options.join(' or ')}`,
    );
  }
  const file = out ?? `${id}.${kind ?? only ?? 'image'}.npy`;
  const format = embeddingsFormat.options.find((ending) => file.endsWith(`.${ending}`));
  if (format === undefined) throw new UsageError(`${file} does not end in .${embeddingsFormat.options.join(' or .')}`);
  await checkOutput(file, { force });
  const query = new URLSearchParams({ ...(kind && { kind }), format });
  const { saveResponse } = await import('../download.ts');
  const bytes = await saveResponse(await client.open(`${pathOf(id)}/embeddings?${query}`), file, client);
  await context.result({ file, bytes }, () => `${file}: ${whole(bytes)} bytes\n`);
}

/** The words of the page for states. */
const statesOfWords: Record<string, readonly string[]> = {
  done: ['completed', 'completed_with_errors'],
  arriving: ['accepting'],
};

/** Parses states that are separated by commas, each a state of the API or the word of the page for it. */
function parseStates(text: string): string {
  const states = text.split(',').flatMap((part) => {
    const word = part.trim().toLowerCase();
    return statesOfWords[word] ?? [word];
  });
  if (states.every((state) => (batchStates as readonly string[]).includes(state))) return states.join(',');
  throw new InvalidArgumentError(`Expected ${[...batchStates, ...Object.keys(statesOfWords)].join(', ')}.`);
}

interface ListOptions {
  limit: number;
  state?: string;
  search?: string;
  tag?: string;
}

interface ChangeOptions {
  name?: string;
  tag?: string[];
  retention?: number;
}

interface ResultOptions {
  minScore?: number;
  maxScore?: number;
  search?: string;
  top?: string;
  distinct?: string;
  sameImageAs?: number;
  samePairAs?: number;
  sort?: string;
  sample?: number;
  seed?: number;
  limit?: number;
  out?: string;
  force?: boolean;
  format?: string;
  status?: string;
  keepFormulas?: boolean;
}

async function results(
  context: Context,
  given: string,
  { out: file, force, format, keepFormulas, search: q, ...selection }: ResultOptions,
) {
  const out = file === '-' ? undefined : file;
  const ending = format ?? (context.isJson ? 'ndjson' : 'csv');
  const chosen =
    format === undefined && out !== undefined
      ? formatNamed(outputFormatOf(out))
      : outputFormats.find(({ endings }) => endings.includes(ending));
  // Commander has checked --format.
  if (chosen === undefined) throw new UsageError(`Results cannot be written as ${ending}`);
  await checkResultFile({ out, force });
  const client = await context.connect();
  const id = await wholeId(client, given);
  const query = new URLSearchParams();
  const fields = { ...itemsQuery(chosen), formulas: keepFormulas ? 'keep' : undefined };
  for (const [name, value] of Object.entries({ ...selection, q, ...fields })) {
    if (value !== undefined) query.set(name, String(value));
  }
  const response = await client.open(`${pathOf(id)}/results?${query}`, {
    headers: { accept: chosen.mediaTypes[0] },
  });
  const escaped = Number(response.headers.get('vls-escaped-cells') ?? 0);
  const ties = Number(response.headers.get('vls-top-ties') ?? 0);
  if (ties > 1) {
    const score = response.headers.get('vls-top-last-score');
    context.remark(`${whole(ties)} items tie at the lowest selected score, ${score}; all of them are included`);
  }
  if (escaped > 0) {
    context.remark(
      `${escaped === 1 ? '1 cell begins' : `${whole(escaped)} cells begin`} like a formula and got an apostrophe; --keep-formulas writes cells without it`,
    );
  }
  const { saveResponse, printResponse } = await import('../download.ts');
  if (out === undefined) return await printResponse(response, context.stdout, client);
  const counter = rowCounter(chosen.name);
  const bytes = await saveResponse(response, out, client, counter?.add);
  const rows = counter?.rows() ?? (await (await import('../../formats/parquet/row-count.ts')).countParquetRows(out));
  if (context.isJson) context.stdout.write(json({ output: out, rows, bytes }));
  else context.remark(`${out}: ${counted(rows, 'row')}, ${whole(bytes)} bytes`);
}
