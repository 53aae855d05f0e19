import { called } from '../../shared/called.ts';
import { codesWith, countWith, type Remedy } from '../../shared/remedies.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { styled, table } from '../output.ts';
import { counted, elapsed, rate, whole } from '../progress.ts';
import { linesOf } from './latest-retry.ts';
import type { RunResult } from './run.ts';
import { rowsOf, type Tally } from './tally.ts';

export function formatReport(result: RunResult, stream: NodeJS.WriteStream): string {
  const { output, embeddings, batchId, wasDone, finished, latestRetry } = result;
  const { tally, state, model, revision, precision } = finished;
  const rows = rowsOf(tally);
  const counts = [
    counted(rows, 'row'),
    styled(stream, 'green', `${whole(tally.succeeded)} scored`),
    ...(tally.failed > 0 ? [styled(stream, 'red', `${whole(tally.failed)} failed`)] : []),
    ...(tally.cancelled > 0 ? [styled(stream, 'yellow', `${whole(tally.cancelled)} cancelled`)] : []),
  ];
  const lines = [
    `${styled(stream, 'bold', output)}: ${counts.join(', ')}${speedOf(result)}`,
    styled(
      stream,
      'dim',
      `${model}, revision ${revision.slice(0, 12)}, ${precision}${batchId === null ? '' : `, batch ${batchId}`}`,
    ),
  ];
  for (const { kind, path } of embeddings) lines.push(`${path}: embeddings of the ${kind}s`);
  const failures = failuresOf(tally);
  if (failures.length > 0) lines.push('', failureTable(tally, stream).trimEnd());
  const { image, text } = result.columns;
  if ((tally.swapped ?? 0) >= 0.9 * rows && tally.failed > 0) {
    const flags = `--image-column ${shellWord(text)} --text-column ${shellWord(image)}`;
    lines.push(
      '',
      `The column ${image} seems to have the texts, and the column ${text} the images: run the command again with ${flags}.`,
    );
  }
  if (tally.warned !== undefined) {
    const { rows: warned, first } = tally.warned;
    const have = warned === 1 ? '1 row has a warning' : `${whole(warned)} rows have a warning`;
    lines.push('', `${have}, first index ${first.index}: ${first.message}. See \`warnings\` in the output.`);
  }
  if (tally.escapedCells > 0) {
    const cells = tally.escapedCells === 1 ? '1 cell begins' : `${whole(tally.escapedCells)} cells begin`;
    lines.push('', `${cells} like a formula and got an apostrophe; --keep-formulas writes cells without it.`);
  }
  if (state === 'failed') {
    const outcome =
      tally.succeeded === 0 ? 'No row has a score' : 'The batch stopped early, because too many rows failed';
    lines.push('', `${outcome}. Remove the cause, and run the command again: it starts over.`);
  }
  if (state === 'cancelled') lines.push('', 'The batch was cancelled. Run the same command again to start over.');
  if (wasDone) lines.push('', 'An earlier run has ended with these results; --again scores all rows again.');
  if (latestRetry !== undefined) lines.push('', ...linesOf(latestRetry));
  // A retry would score the same rows as the new run that these states need.
  if (state !== 'failed' && state !== 'cancelled' && !latestRetry?.replacesSteps) {
    for (const step of nextStepsOf(result)) lines.push('', step);
  }
  return `${lines.join('\n')}\n`;
}

/** Returns the next steps for failed rows. Together they count every failed row, except those of the latest retry. */
function nextStepsOf({ finished, batchId, serverFiles, output, latestRetry }: RunResult): string[] {
  const { remedies } = finished.tally;
  const { retryable: isRetried = false, all: areAllRetried = false } = latestRetry?.covered ?? {};
  // A retry reads files of the service again, but not those that were sent.
  const readsFiles = serverFiles && !areAllRetried;
  const again = 'run the same command with --again, which scores all rows';
  const all = batchId === null ? again : `\`${called} retry ${batchId} --all\` scores all failed rows`;
  const orAgain = batchId === null ? again : `${all} as a new batch, or the same command with --again scores all rows`;
  const steps: [remedies: Remedy[], one: string, many: string, step: (them: string) => string][] = [
    [
      isRetried ? [] : ['retry'],
      'may succeed in a retry',
      'may succeed in a retry',
      (them) =>
        batchId === null
          ? `: ${again}.`
          : `: \`${called} retry ${batchId}\` scores ${them} again, as a new batch. ${output} stays unchanged.`,
    ],
    [
      areAllRetried ? [] : ['address'],
      'has an image at an address, and would fail again',
      'have images at addresses, and would fail again',
      () => `. After a correction there, ${orAgain}.`,
    ],
    [
      areAllRetried ? [] : ['host'],
      'has an image address that is not allowed',
      'have image addresses that are not allowed',
      () => `. When an operator has allowed such hosts with IMAGE_HOSTS_ALLOW, ${orAgain}.`,
    ],
    [
      ['file'],
      'has a local image',
      'have local images',
      () => `. When each file and its path are correct, ${readsFiles ? all : again}.`,
    ],
    [
      ['served', 'image', 'source', 'item'],
      'cannot be scored as it is',
      'cannot be scored as they are',
      () =>
        countWith(remedies, 'file') > 0 && !readsFiles
          ? '. Correct the input before that run.'
          : '. Correct the input, and run the command again, which scores all rows.',
    ],
  ];
  return steps.flatMap(([which, one, many, step]) => {
    const count = countWith(remedies, ...which);
    if (count === 0) return [];
    const rows = `${counted(count, 'failed row')} (${codesWith(remedies, ...which).join(', ')})`;
    return [`${rows} ${count === 1 ? one : many}${step(count === 1 ? 'it' : 'them')}`];
  });
}

function speedOf({ rowsPerSecond, seconds, isContinued }: RunResult): string {
  if (seconds === null) return '';
  const speed = rowsPerSecond === null ? '' : ` (${rate(rowsPerSecond)} rows/s on average)`;
  if (!isContinued) return `, took ${elapsed(seconds)}${speed}`;
  return `\nThis run continued an earlier one, and took ${elapsed(seconds)}${speed}.`;
}

const failuresOf = ({ failures }: Tally) => Object.entries(failures).sort(([, a], [, b]) => b.items - a.items);

/**
 * Returns a table of failures by error code, the most frequent first, with an example of each. Empty without failures.
 */
export function failureTable(tally: Tally, stream: NodeJS.WriteStream): string {
  const rows = failuresOf(tally).map(([code, { items, first }]) => [
    code,
    whole(items),
    // A Parquet row is named by its index, which the message need not repeat.
    `index ${first.index}${first.image === undefined ? '' : ` (${first.image})`}: ${withoutPrefix(first.message, `row ${first.index}: `)}`,
  ]);
  return rows.length === 0 ? '' : table(stream, [['FAILURE', 'ROWS', 'FIRST'], ...rows]);
}

const withoutPrefix = (text: string, prefix: string): string =>
  text.startsWith(prefix) ? text.slice(prefix.length) : text;
