import type { BatchStatus } from '../../shared/contracts/batch.ts';
import { type FormatName, formatNamed, formatOfFile } from '../../shared/formats.ts';

/** What of a batch's record says where its files are. */
interface Filed {
  input?: string | undefined;
  /** Only of a batch that came as CSV. Statuses are read without its `columns`. */
  columnNames?: object | undefined;
  output?: string | undefined;
  filesState?: 'pending' | 'written' | 'failed' | undefined;
  filesError?: string | undefined;
}

/** The files that the results of a batch are put into; null for one whose results are read from the service alone. */
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
