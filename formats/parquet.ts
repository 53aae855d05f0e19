import { readParquetFile } from './parquet/reader.ts';
import { readParquetStream } from './parquet/stream.ts';
import { createParquetWriter } from './parquet/writer.ts';

export const parquet = { readFile: readParquetFile, readStream: readParquetStream, createWriter: createParquetWriter };
