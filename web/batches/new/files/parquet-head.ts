import { type FirstRows, readFirstRows } from '../../../../formats/parquet/first-rows.ts';

/** The page loads this module only for a Parquet file. */
export const parquetHead = (file: File, count: number): Promise<FirstRows> =>
  readFirstRows({ byteLength: file.size, slice: (from, to) => file.slice(from, to).arrayBuffer() }, count);
