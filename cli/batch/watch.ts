import { setTimeout as delay } from 'node:timers/promises';
import { called } from '../../shared/called.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { inOneLine } from '../../shared/exact-json.ts';
import type { ServiceClient } from '../client.ts';
import type { Context } from '../context.ts';
import { followBatch } from '../events.ts';
import { exitCodes } from '../failures.ts';
import { styled } from '../output.ts';
import { noProgress, showProgress, whole } from '../progress.ts';

export const pathOf = (id: string): string => `/v1/evaluation/batch/${encodeURIComponent(id)}`;

/** The interval in ms at which the client asks for the result files of an ended batch. */
const filesPollMs = 500;

/** Shows the progress of a batch until it has ended and its result files are written. */
export async function watch(
  context: Context,
  client: ServiceClient,
  id: string,
  asEvents: boolean,
  signal: AbortSignal,
): Promise<BatchStatus> {
  const isSilent = context.isJson || context.isQuiet || asEvents;
  const progress = isSilent ? noProgress : await showProgress(context.stderr);
  try {
    for await (const event of followBatch(client, id, { signal, onLost: progress.say })) {
      if (asEvents) context.stdout.write(`${inOneLine(JSON.stringify(event))}\n`);
      if (event.event === 'end') {
        if (event.data.files?.state !== 'pending') return event.data;
        break;
      }
      if (event.event === 'failure') continue;
      const { items } = event.data;
      if (items === undefined) continue;
      progress.update({ done: items.total - items.pending, failed: items.failed, total: items.total });
    }
    for (;;) {
      const status = await client.json<BatchStatus>(pathOf(id), { signal });
      if (status.files?.state !== 'pending') return status;
      await delay(filesPollMs, undefined, { signal });
    }
  } finally {
    progress.stop();
  }
}

export function exitCodeOf({ state, files }: BatchStatus): number {
  if (files?.state === 'failed') return exitCodes.failed;
  if (state === 'completed') return exitCodes.done;
  return state === 'completed_with_errors' ? exitCodes.someFailed : exitCodes.failed;
}

export function formatStatus(status: BatchStatus, stream: NodeJS.WriteStream): string {
  const { id, state, items, failures, reason, input, inputError, files } = status;
  const counts = [
    `${whole(items.succeeded)} scored`,
    `${whole(items.failed)} failed`,
    ...(items.cancelled > 0 ? [`${whole(items.cancelled)} cancelled`] : []),
    ...(items.pending > 0 ? [`${whole(items.pending)} pending`] : []),
  ];
  const colour = state === 'completed' ? 'green' : state === 'failed' ? 'red' : 'yellow';
  const outcome = reason === null ? state : `${state} (${reason})`;
  const lines = [`batch ${id}: ${styled(stream, colour, outcome)}, ${counts.join(', ')}`];
  lines.push(...Object.entries(failures).map(([code, count]) => `  ${code}: ${whole(count ?? 0)}`));
  // The service reads the items of a batch by reference from a bucket, where no command sends local files.
  if (failures['image.source_invalid'] && input === null)
    lines.push(`  An image is an http(s) address; \`${called} batch FILE\` also sends local files.`);
  // Older releases of the service send no `inputError`.
  if (inputError) lines.push(`  ${inputError.code}: ${inputError.message}`);
  if (files?.state === 'written') {
    lines.push(...[files.results, files.csv, files.parquet, files.kept, files.failures].filter((file) => file != null));
  }
  if (files?.state === 'failed') lines.push(`the result files were not written: ${files.error}`);
  return `${lines.join('\n')}\n`;
}
