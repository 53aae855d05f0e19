import { readParquetFile } from './parquet/reader.ts';
import { createParquetWriter } from './parquet/writer.ts';

export const parquet = { readFile: readParquetFile, createWriter: createParquetWriter };
