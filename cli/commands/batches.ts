import type { Command } from 'commander';
import type { BatchList, BatchStatus } from '../../shared/contracts/batch.ts';
import { type CommandDeps, type Context, contextOf, interruptible } from '../command.ts';
import { exitCodes, UsageError } from '../failure.ts';
import { json, styled, table } from '../output.ts';
import { whole } from '../progress.ts';

const pathOf = (id: string) => `/v1/evaluation/batch/${encodeURIComponent(id)}`;

/** `vls batches | watch | cancel | retry | results`: batches that the service has. */
export function addBatchesCommands(program: Command, deps: CommandDeps): void {
  program
    .command('batches')
    .description('List your batches, the latest first.')
    .option('-n, --limit <number>', 'how many, at most 200', '20')
    .option('--state <state,...>', 'only those: queued, running, completed, completed_with_errors, failed, cancelled')
    .action(async (options: { limit: string; state?: string }, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      const query = new URLSearchParams({ limit: options.limit, ...(options.state && { state: options.state }) });
      const list = await client.json<BatchList>(`/v1/evaluation/batch?${query}`);
      await context.result(list, () => {
        if (list.batches.length === 0) return 'There are no batches.\n';
        const rows = list.batches.map(({ id, state, items, model, createdAt }) => [
          id,
          state,
          whole(items.total),
          whole(items.failed),
          `${Math.floor((100 * (items.total - items.pending)) / Math.max(1, items.total))} %`,
          model,
          createdAt.slice(0, 19).replace('T', ' '),
        ]);
        return table(context.stdout, [['BATCH', 'STATE', 'ITEMS', 'FAILED', 'DONE', 'MODEL', 'POSTED (UTC)'], ...rows]);
      });
    });

  program
    .command('watch')
    .description('Follow a batch to its end.')
    .argument('<id>', 'the batch')
    .option('--events', 'print every event as a line of JSON')
    .action(async (id: string, options: { events?: boolean }, command: Command) => {
      const context = contextOf(deps, command);
      const status = await interruptible(
        (signal) => watch(context, id, options.events ?? false, signal),
        () => `The batch goes on. \`npx vls watch ${id}\` follows it again, \`npx vls cancel ${id}\` stops it.`,
      );
      if (!options.events) await context.result(status, () => inWords(status, context.stdout));
      process.exitCode = exitCodeOf(status);
    });

  program
    .command('cancel')
    .description('Stop batches; what has been scored is kept.')
    .argument('<id...>', 'the batches')
    .action(async (ids: string[], _options: object, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      const stopped: BatchStatus[] = [];
      for (const id of ids) stopped.push(await client.post<BatchStatus>(`${pathOf(id)}/cancel`, {}));
      await context.result({ batches: stopped }, () =>
        stopped.map((status) => inWords(status, context.stdout)).join(''),
      );
    });

  program
    .command('retry')
    .description('Score the failed items of a batch again, as a new batch.')
    .argument('<id>', 'the batch')
    .action(async (id: string, _options: object, command: Command) => {
      const context = contextOf(deps, command);
      const client = await context.connect();
      const child = await client.post<BatchStatus>(`${pathOf(id)}/retry`, {});
      await context.result(
        child,
        () => `batch ${child.id} has ${whole(child.items.total)} items\n\`npx vls watch ${child.id}\` follows it\n`,
      );
    });

  program
    .command('results')
    .description('Read the results of a batch, also while it runs.')
    .argument('<id>', 'the batch')
    .option('-o, --out <file>', 'write them there: .csv, .ndjson or .jsonl')
    .option('--format <format>', 'csv or ndjson; by the name of the file, otherwise csv (ndjson with --json)')
    .option('--status <status>', 'only these: succeeded, failed or cancelled')
    .option('--keep-formulas', 'CSV: no apostrophe before text that a spreadsheet would run')
    .action(async (id: string, options: ResultOptions, command: Command) => {
      await results(contextOf(deps, command), id, options);
    });
}

async function watch(context: Context, id: string, asEvents: boolean, signal: AbortSignal): Promise<BatchStatus> {
  const [{ followBatch }, { noProgress, showProgress }] = await Promise.all([
    import('../events.ts'),
    import('../progress.ts'),
  ]);
  const client = await context.connect();
  const isSilent = context.isJson || context.isQuiet || asEvents;
  const progress = isSilent ? noProgress : await showProgress(context.stderr);
  try {
    for await (const event of followBatch(client, id, { signal, onLost: progress.say })) {
      if (asEvents) context.stdout.write(`${JSON.stringify(event)}\n`);
      if (event.event === 'end') return event.data;
      if (event.event === 'failure') continue;
      const { items } = event.data;
      if (items === undefined) continue;
      progress.update({ done: items.total - items.pending, failed: items.failed, total: items.total });
    }
    return await client.json<BatchStatus>(pathOf(id), { signal });
  } finally {
    progress.stop();
  }
}

function exitCodeOf({ state }: BatchStatus): number {
  if (state === 'completed') return exitCodes.done;
  return state === 'completed_with_errors' ? exitCodes.someFailed : exitCodes.failed;
}

function inWords({ id, state, items, failures, reason }: BatchStatus, stream: NodeJS.WriteStream): string {
  const counts = [
    `${whole(items.succeeded)} scored`,
    `${whole(items.failed)} failed`,
    ...(items.cancelled > 0 ? [`${whole(items.cancelled)} cancelled`] : []),
    ...(items.pending > 0 ? [`${whole(items.pending)} to come`] : []),
  ];
  const colour = state === 'completed' ? 'green' : state === 'failed' ? 'red' : 'yellow';
  const said = reason === null ? state : `${state} (${reason})`;
  const lines = [`batch ${id}: ${styled(stream, colour, said)}, ${counts.join(', ')}`];
  const byCode = Object.entries(failures).map(([code, count]) => `  ${code}: ${whole(count ?? 0)}`);
  return `${[...lines, ...byCode].join('\n')}\n`;
}

interface ResultOptions {
  out?: string;
  format?: string;
  status?: string;
  keepFormulas?: boolean;
}

async function results(context: Context, id: string, { out, format, status, keepFormulas }: ResultOptions) {
  const byName = out === undefined ? undefined : /\.(csv|ndjson|jsonl)$/i.exec(out)?.[1]?.toLowerCase();
  const form = format ?? byName ?? (context.isJson ? 'ndjson' : 'csv');
  if (form !== 'csv' && form !== 'ndjson' && form !== 'jsonl')
    throw new UsageError(`--format ${form} is neither csv nor ndjson`);
  const client = await context.connect();
  const query = new URLSearchParams({ ...(status && { status }), ...(keepFormulas && { formulas: 'keep' }) });
  const response = await client.open(`${pathOf(id)}/results?${query}`, {
    headers: { accept: form === 'csv' ? 'text/csv' : 'application/x-ndjson' },
  });
  const { saveResponse, printResponse } = await import('../download.ts');
  if (out === undefined) return await printResponse(response, context.stdout, client.base);
  const bytes = await saveResponse(response, out, client.base);
  if (context.isJson) context.stdout.write(json({ output: out, bytes }));
  else context.remark(`${out}: ${whole(bytes)} bytes`);
}
