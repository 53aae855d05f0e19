import { formatOfName } from '../../formats/names.ts';
import type { BatchStatus } from '../../shared/contracts/batch.ts';

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
  const isCsv = columnNames !== undefined || (input !== undefined && formatOfName(input)?.format === 'csv');
  return {
    state: filesState ?? 'pending',
    results: `${output}results.ndjson`,
    csv: isCsv ? `${output}results.csv` : null,
    failures: `${output}failures.ndjson`,
    status: `${output}status.json`,
    error: filesError || null,
  };
}
