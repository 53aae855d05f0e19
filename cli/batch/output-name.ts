import {
  endingsInWords,
  type FormatName,
  formatNamed,
  formatOfFile,
  formats,
  type NamedFile,
} from '../../shared/formats.ts';
import { UsageError } from '../failures.ts';

/** The formats of outputs. */
export const outputFormats = formats.filter(({ isWritten }) => isWritten);

/** Returns the format by the name of the output. */
export function outputFormatOf(output: string): FormatName {
  const format = formatOfFile(output);
  if (format !== undefined && !format.isGzip && format.format.isWritten) return format.format.name;
  throw new UsageError(`The name of the output ${output} does not end in ${endingsInWords(outputFormats)}`);
}

/** Returns the default name of an output, in the folder of its input: `pairs.csv` becomes `pairs.scores.csv`. */
export function outputBeside(input: string): string {
  const named = formatOfFile(input);
  // A folder has no ending.
  if (named === undefined) return `${input.replace(/[\\/]+$/, '')}.scores.${formatNamed('csv').endings[0]}`;
  return `${named.stem}.scores.${endingFor(named)}`;
}

/**
 * Returns the file ending of an output: that of its input, or if results are not written in that format, the most
 * similar one.
 */
export function endingFor(input: NamedFile | undefined): string {
  if (input?.format.isWritten) return input.ending;
  return formatNamed(input?.format.hasColumns === false ? 'ndjson' : 'csv').endings[0];
}
