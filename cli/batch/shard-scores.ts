import { createReadStream } from 'node:fs';
import type { ColumnNames } from '../../formats/format.ts';
import { linesOf } from '../../formats/lines.ts';
import { type ScoredRow, scoresOfParquet } from '../../formats/parquet.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { formatOfFile } from '../../shared/formats.ts';

/** An input file (shard) and the file of its results. */
export interface ScoredShard {
  file: string;
  output: string;
  /** The requested names of the columns with image, text and id. */
  columns: ColumnNames;
}

/** Yields the items of a shard that have a score, in order. */
export async function* scoresOf({ file, output, columns }: ScoredShard): AsyncGenerator<ScoredRow[]> {
  if (formatOfFile(output)?.format.name === 'parquet') return yield* scoresOfParquet(output, file, columns);
  for await (const lines of linesOf(createReadStream(output))) {
    yield lines.flatMap((line) => {
      const result = JSON.parse(line) as ItemResult;
      return result.status === 'succeeded' ? [{ index: result.index, id: result.id, score: result.score }] : [];
    });
  }
}
