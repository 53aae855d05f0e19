import {
  endingsInWords,
  type FormatName,
  formatNamed,
  formatOfFile,
  formats,
  type NamedFile,
} from '../../shared/formats.ts';
import { UsageError } from '../failures.ts';

/** The formats in which results can be written. */
export const outputFormats = formats.filter(({ isWritten }) => isWritten);

/** Returns the format that belongs to the ending of the name of an output file. */
export function outputFormatOf(output: string): FormatName {
  const format = formatOfFile(output);
  if (format !== undefined && !format.isGzip && format.format.isWritten) return format.format.name;
  throw new UsageError(`The name of the output ${output} does not end in ${endingsInWords(outputFormats)}`);
}

/**
 * Returns the default name of an output file. It is in the folder of the input: `pairs.csv` becomes `pairs.scores.csv`.
 */
export function outputBeside(input: string): string {
  const named = formatOfFile(input);
  // The name of a folder has no ending, so the output of a folder is CSV.
  if (named === undefined) return `${input.replace(/[\\/]+$/, '')}.scores.${formatNamed('csv').endings[0]}`;
  return `${named.stem}.scores.${endingFor(named)}`;
}

/**
 * Returns the file ending of an output: the ending of the input if results can be written in that format, otherwise the
 * ending of the most similar format.
 */
export function endingFor(input: NamedFile | undefined): string {
  if (input?.format.isWritten) return input.ending;
  return formatNamed(input?.format.hasColumns === false ? 'ndjson' : 'csv').endings[0];
}
