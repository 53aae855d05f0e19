import {
  endingsInWords,
  type FormatName,
  formatNamed,
  formatOfFile,
  formats,
  type NamedFile,
} from '../../shared/formats.ts';
import { UsageError } from '../failures.ts';

export const outputFormats = formats.filter(({ isWritten }) => isWritten);

/** Returns the format for the ending of the name of an output file. */
export function outputFormatOf(output: string): FormatName {
  const format = formatOfFile(output);
  if (format !== undefined && !format.isGzip && format.format.isWritten) return format.format.name;
  throw new UsageError(`The name of the output ${output} does not end in ${endingsInWords(outputFormats)}`);
}

/** Returns the default output of an input: `pairs.scores.csv` for `pairs.csv`, in the same folder. */
export function outputBeside(input: string): string {
  const named = formatOfFile(input);
  // The name of a folder has no ending, so its output is CSV.
  if (named === undefined) return `${input.replace(/[\\/]+$/, '')}.scores.${formatNamed('csv').endings[0]}`;
  return `${named.stem}.scores.${endingFor(named)}`;
}

/**
 * Returns the file ending of an output: that of the input if results can have it, otherwise that of the most similar
 * format.
 */
export function endingFor(input: NamedFile | undefined): string {
  if (input?.format.isWritten) return input.ending;
  return formatNamed(input?.format.hasColumns === false ? 'ndjson' : 'csv').endings[0];
}
