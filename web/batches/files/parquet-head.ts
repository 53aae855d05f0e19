import { type FirstRows, readFirstRows } from '../../../formats/parquet/first-rows.ts';

/** Reads the first rows of a Parquet file. The page loads this module only for such a file. */
export const parquetHead = (file: File, count: number): Promise<FirstRows> =>
  readFirstRows({ byteLength: file.size, slice: (from, to) => file.slice(from, to).arrayBuffer() }, count);
