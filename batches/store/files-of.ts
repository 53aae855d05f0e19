import type { BatchStatus } from '../../shared/contracts/batch.ts';
import { type FormatName, formatNamed, formatOfFile } from '../../shared/formats.ts';

/** The fields of a record that name its files. */
interface Filed {
  input?: string | undefined;
  /** Only for a batch whose input has columns. Statuses are read without `columns`. */
  columnNames?: object | undefined;
  output?: string | undefined;
  filesState?: 'pending' | 'written' | 'failed' | undefined;
  filesError?: string | undefined;
}

/** Returns the addresses of the files with the results; null for a batch without files. */
export function filesOf({ input, columnNames, output, filesState, filesError }: Filed): BatchStatus['files'] {
  if (output === undefined) return null;
  const hasColumns = columnNames !== undefined || (input !== undefined && formatOfFile(input)?.format.hasColumns);
  const named = (name: string, format: FormatName) => `${output}${name}.${formatNamed(format).endings[0]}`;
  return {
    state: filesState ?? 'pending',
    results: named('results', 'ndjson'),
    csv: hasColumns ? named('results', 'csv') : null,
    failures: named('failures', 'ndjson'),
    status: named('status', 'json'),
    error: filesError || null,
  };
}
