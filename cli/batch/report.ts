import { called } from '../../shared/called.ts';
import { codes, isCode } from '../../shared/errors.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { styled, table } from '../output.ts';
import { counted, elapsed, rate, whole } from '../progress.ts';
import type { RunResult } from './run.ts';
import { rowsOf, type Tally } from './tally.ts';

export function formatReport(result: RunResult, stream: NodeJS.WriteStream): string {
  const { output, embeddings, batchId, wasDone, serverFiles, finished } = result;
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
    styled(stream, 'dim', `${model}, revision ${revision.slice(0, 12)}, ${precision}`),
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
  // A retry would score the same rows as the new run that these states need.
  const startsOver = state === 'failed' || state === 'cancelled';
  const retryable = failures.filter(([code]) => isCode(code) && codes[code].retryable);
  if (batchId !== null && !startsOver && retryable.length > 0) {
    const count = retryable.reduce((sum, [, { items }]) => sum + items, 0);
    lines.push(
      '',
      `${whole(count)} of the failed rows may succeed in a retry: \`${called} retry ${batchId}\` scores them again, as a new batch. ${output} stays unchanged.`,
    );
  }
  const { localImages = 0 } = tally;
  const remote = failures.filter(([code]) => isAtAddress(code)).reduce((sum, [, { items }]) => sum + items, 0);
  if (batchId !== null && !startsOver && remote > localImages) {
    const other = retryable.length > 0 ? 'other ' : '';
    const count = remote - localImages;
    const have = count === 1 ? `1 ${other}failed row has an image` : `${whole(count)} ${other}failed rows have images`;
    lines.push(
      '',
      `${have} that would fail again. When the images at their addresses are mended, \`${called} retry ${batchId} --all\` scores all failed rows.`,
    );
  }
  if (localImages > 0 && !startsOver) {
    const have =
      localImages === 1 ? '1 failed row has a local image' : `${whole(localImages)} failed rows have local images`;
    const again =
      serverFiles && batchId !== null
        ? `\`${called} retry ${batchId} --all\` scores all failed rows`
        : 'run the same command with --again, which scores all rows';
    lines.push('', `${have}. When the ${localImages === 1 ? 'file is' : 'files are'} in place and correct, ${again}.`);
  }
  return `${lines.join('\n')}\n`;
}

/** Returns true if the image of such a failure may be mended where it is. */
const isAtAddress = (code: string): boolean =>
  isCode(code) &&
  code.startsWith('image.') &&
  !codes[code].retryable &&
  code !== 'image.source_invalid' &&
  code !== 'image.fetch.blocked_address';

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
    `index ${first.index}: ${first.message}`,
  ]);
  return rows.length === 0 ? '' : table(stream, [['FAILURE', 'ROWS', 'FIRST'], ...rows]);
}
