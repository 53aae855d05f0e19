import { createReadStream } from 'node:fs';
import type { StreamQuery } from '../shared/contracts/batch/results.ts';
import type { FormatName } from '../shared/formats.ts';
import { readBody } from './body.ts';
import { csv } from './csv.ts';
import type {
  CreateWriter,
  ItemFile,
  ReadFile,
  ReadOptions,
  ReadStream,
  ResultSource,
  ResultWriter,
} from './format.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';
import { parquet } from './parquet.ts';
import { tar } from './tar.ts';
import { tsv } from './tsv.ts';

interface FormatCode {
  readStream?: ReadStream;
  readFile?: ReadFile;
  createWriter?: CreateWriter;
}

/** The readers and writers by format. A new format also needs an entry in shared/formats.ts. */
const codes: Record<FormatName, FormatCode> = { csv, tsv, ndjson, json, parquet, tar };

export function readItems(format: FormatName, bytes: AsyncIterable<Buffer>, options: ReadOptions): ItemFile {
  const { readStream } = codes[format];
  if (readStream === undefined) throw new Error(`${format} cannot be read from a stream`);
  return readStream(bytes, options);
}

/** Reads items from a local file. Text formats may be compressed with gzip. */
export function readItemsOfFile(format: FormatName, path: string, options: ReadOptions): ItemFile {
  const { readFile } = codes[format];
  if (readFile !== undefined) return readFile(path, options);
  const { bytes, sent } = readBody(createReadStream(path));
  return readItems(format, bytes, { ...options, sent });
}

export function createResultWriter(
  format: FormatName,
  source: ResultSource,
  formulas: StreamQuery['formulas'],
): ResultWriter {
  const { createWriter } = codes[format];
  if (createWriter === undefined) throw new Error(`The format ${format} cannot be written`);
  return createWriter(source, formulas);
}
