import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { type FormatName, formatNamed, formatOfFile } from '../../shared/formats.ts';

interface Filed {
  input?: string | undefined;
  /** Present if the input has columns. Used instead of `columns`, which a request for the status does not read. */
  columnNames?: object | undefined;
  tables?: readonly FormatName[] | undefined;
  /** Present when the post requested a file with the selected samples. */
  keep?: object | undefined;
  /** Present when the input could not be read. Then no samples can be selected. */
  inputErrorCode?: string | undefined;
  output?: string | undefined;
  filesState?: 'pending' | 'written' | 'failed' | undefined;
  filesError?: string | undefined;
}

/** Returns the addresses of the result files; null for a batch without files. */
export function filesOf(record: Filed): BatchStatus['files'] {
  const { input, columnNames, output, tables, filesState, filesError } = record;
  const keep = record.inputErrorCode === undefined ? record.keep : undefined;
  if (output === undefined) return null;
  const file = input === undefined ? undefined : formatOfFile(input);
  const format = file?.format;
  const own = format?.name === 'parquet' ? 'parquet' : 'csv';
  const hasColumns = columnNames !== undefined || format?.hasColumns;
  const has = (table: FormatName) => (tables === undefined ? hasColumns && own === table : tables.includes(table));
  const named = (name: string, format: FormatName) => `${output}${name}.${formatNamed(format).endings[0]}`;
  return {
    state: filesState ?? 'pending',
    results: named('results', 'ndjson'),
    csv: has('csv') ? named('results', 'csv') : null,
    parquet: has('parquet') ? named('results', 'parquet') : null,
    kept:
      keep === undefined ? null : `${named('kept', own === 'parquet' ? 'parquet' : 'tar')}${file?.isGzip ? '.gz' : ''}`,
    keptIds: keep === undefined ? null : `${output}kept.txt`,
    failures: named('failures', 'ndjson'),
    status: named('status', 'json'),
    error: filesError || null,
  };
}
