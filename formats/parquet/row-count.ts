import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';

/** Returns the number of rows in a Parquet file, from its metadata. */
export const countParquetRows = async (path: string): Promise<number> =>
  Number((await parquetMetadataAsync(await asyncBufferFromFile(path), { geoparquet: false })).num_rows);
