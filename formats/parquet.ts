import { readParquetFile } from './parquet/reader.ts';
import { readParquetStream } from './parquet/stream.ts';
import { createParquetWriter } from './parquet/writer.ts';

export const parquet = { readFile: readParquetFile, readStream: readParquetStream, createWriter: createParquetWriter };

export { receiptKey, receiptOf } from './parquet/receipt.ts';
export { type ScoredRow, scoresOfParquet } from './parquet/results.ts';
export { subsetOfParquetStream } from './parquet/stream.ts';
export { subsetOfParquet } from './parquet/subset.ts';
