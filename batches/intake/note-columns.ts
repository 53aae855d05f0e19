import type { ItemFile } from '../../formats/format.ts';
import type { ReadItem } from '../../formats/items.ts';
import type { BatchOptions } from '../store/record.ts';

/** Passes the items of a file on, and notes its columns in the options of the batch as soon as they are known. */
export async function* notingColumns({ items, header }: ItemFile, options: BatchOptions): AsyncGenerator<ReadItem[]> {
  for await (const some of items) {
    const found = header();
    if (found !== undefined) {
      options.columns = found.names;
      options.columnNames = found.columns;
      if (found.types !== undefined) options.columnTypes = found.types;
    }
    yield some;
  }
}
