import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ColumnNames } from '../format.ts';
import { resultColumns } from '../result-columns.ts';
import { headerOf } from './header.ts';

export interface ScoredRow {
  index: number;
  id: string | undefined;
  score: number;
}

/**
 * Yields the scored rows of a Parquet results file from this service.
 * @param output the path of the results file.
 * @param input the path of the items file, whose column names determine those of the results.
 * @param asked the requested columns for image, text and id.
 */
export async function* scoresOfParquet(output: string, input: string, asked: ColumnNames): AsyncGenerator<ScoredRow[]> {
  const header = headerOf(await parquetMetadataAsync(await asyncBufferFromFile(input)), asked);
  const { index, own } = resultColumns({ columns: header.names, columnNames: header.columns });
  const [, score = ''] = own;
  const { id } = header.columns;
  const hasId = header.names.includes(id);
  const file = await asyncBufferFromFile(output);
  const metadata = await parquetMetadataAsync(file);
  const columns = [index, score, ...(hasId ? [id] : [])];
  let rowStart = 0;
  for (const { num_rows: rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(rows);
    const records = await parquetReadObjects({ file, metadata, compressors, columns, rowStart, rowEnd });
    yield records.flatMap((record) => {
      const value: unknown = record[score];
      if (typeof value !== 'number') return [];
      const own = hasId && record[id] != null ? String(record[id]) : undefined;
      return [{ index: Number(record[index]), id: own, score: value }];
    });
    rowStart = rowEnd;
  }
}
