import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { StoredItem } from '../../batches/store/payload.ts';
import { type Bytes, toBuffer } from '../../formats/bytes.ts';
import type { ResultSource, ResultWriter } from '../../formats/format.ts';
import { createResultWriter } from '../../formats/index.ts';
import { linesOf } from '../../formats/lines.ts';
import type { StreamQuery } from '../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { parseExactly } from '../../shared/exact-json.ts';
import { type FormatName, formatNamed } from '../../shared/formats.ts';
import { cannotWrite } from '../output-file.ts';
import type { BatchInput } from './input.ts';
import { createRows } from './rows.ts';

/** An output file. Results go to a temporary file, which is renamed when it is complete. */
export interface OutputFile {
  /**
   * Appends results.
   * @param items the items of the results, in the same order.
   */
  add(results: readonly ItemResult[], items: readonly StoredItem[]): Promise<void>;
  /**
   * Returns the number of CSV cells that got a leading apostrophe, because a spreadsheet would run them as formulas.
   */
  escaped(): number;
  bytes(): number;
  /** Gives the complete temporary file the name of the output. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** The model that computed the scores of a batch, and its settings. */
export type Receipt = Pick<
  ResultSource,
  'model' | 'revision' | 'precision' | 'preprocess' | 'textCleaning' | 'longText'
>;

export interface WriterOptions {
  output: string;
  format: FormatName;
  input: Pick<BatchInput, 'header' | 'items'>;
  formulas: StreamQuery['formulas'];
  /** True when the model also computes the probability that a text describes its image. */
  pairProbabilities?: boolean;
  /** The model of the scores and its settings, for the metadata of a Parquet output. */
  receipt?: Receipt;
  /** The bytes that an earlier run has already written to the temporary file. */
  from?: number;
}

const partOf = (output: string): string => `${output}.part`;

export const removePart = (output: string): Promise<void> => rm(partOf(output), { force: true });

/**
 * Opens an output file that a later run can continue. Only text formats can be appended to. For others the temporary
 * file is NDJSON, which {@link OutputFile.commit} converts.
 */
export async function openWriter(options: WriterOptions): Promise<OutputFile> {
  const { output, format, from = 0 } = options;
  const part = partOf(output);
  const isAppended = formatNamed(format).isText;
  const file = await openFile(part, from);
  let writer: ResultWriter | undefined;

  async function start(): Promise<ResultWriter> {
    const started = createWriter(options, isAppended ? format : 'ndjson');
    const first = started.start();
    if (file.bytes() === 0) await file.write(first);
    return started;
  }

  return {
    async add(results, items) {
      writer ??= await start();
      await file.write(writer.rows(results, items));
    },
    escaped: () => writer?.escaped() ?? 0,
    bytes: file.bytes,
    async commit() {
      writer ??= await start();
      await file.write(writer.end());
      await file.finish();
      if (isAppended) return await rename(part, output);
      await convert(part, options);
      await rm(part);
    },
    close: file.close,
  };
}

/** Creates the writer of a format. The first rows must have been read, because only then are the columns known. */
function createWriter(
  { input, formulas, pairProbabilities, receipt }: WriterOptions,
  format: FormatName,
): ResultWriter {
  const header = input.header();
  const source = header && { columns: header.names, columnNames: header.columns, columnTypes: header.types };
  return createResultWriter(format, { ...source, ...receipt, pairProbabilities }, formulas);
}

/** Converts the temporary NDJSON file to the format of the output, which also contains the rows of the input. */
async function convert(part: string, options: WriterOptions): Promise<void> {
  const { output, input } = options;
  const converted = `${part}.converted`;
  const file = await openFile(converted, 0);
  const rows = createRows(input.items());
  let writer: ResultWriter | undefined;
  try {
    for await (const lines of linesOf(createReadStream(part))) {
      const results = lines.map((line) => parseExactly(line) as ItemResult);
      const items = await rows.take(results.length);
      if (writer === undefined) {
        writer = createWriter(options, options.format);
        await file.write(writer.start());
      }
      await file.write(writer.rows(results, items));
    }
    if (writer !== undefined) await file.write(writer.end());
    await file.finish();
  } catch (error) {
    await file.close();
    throw error;
  }
  await rename(converted, output);
}

interface Appended {
  write(part: Bytes): Promise<void>;
  bytes(): number;
  /** Waits until all bytes are on disk, then closes the file, so that the renamed output is never incomplete. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

async function openFile(path: string, from: number): Promise<Appended> {
  const file: FileHandle = await open(path, from > 0 ? 'r+' : 'w').catch((error: NodeJS.ErrnoException) => {
    throw cannotWrite(path, error);
  });
  await file.truncate(from);
  let bytes = from;
  return {
    async write(part) {
      const data = toBuffer(part);
      for (let at = 0; at < data.length; )
        at += (await file.write(data, at, data.length - at, bytes + at)).bytesWritten;
      bytes += data.length;
    },
    bytes: () => bytes,
    async finish() {
      await file.sync();
      await file.close();
    },
    close: () => file.close(),
  };
}
