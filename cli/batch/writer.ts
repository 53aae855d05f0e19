import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { StoredItem } from '../../batches/store/payload.ts';
import { type Bytes, toBuffer } from '../../formats/bytes.ts';
import type { ResultWriter } from '../../formats/format.ts';
import { createResultWriter } from '../../formats/index.ts';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { FormatName } from '../../shared/formats.ts';
import { cannotWrite } from '../output-file.ts';
import type { BatchInput } from './input.ts';

/** Writes an output. The results go to a temporary file, which gets the name of the output when it is complete. */
export interface OutputFile {
  /** Writes results. @param items the items of the results, in the same order. */
  add(results: readonly ItemResult[], items: readonly StoredItem[]): Promise<void>;
  /** Counts the cells that got an apostrophe because a spreadsheet would run them. */
  escaped(): number;
  /** Returns the number of bytes written. */
  bytes(): number;
  /** Renames the complete temporary file to the output. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

export interface WriterOptions {
  output: string;
  format: FormatName;
  input: Pick<BatchInput, 'columns' | 'foundNames'>;
  formulas: StreamQuery['formulas'];
  /** The number of bytes that an earlier run has written. */
  from?: number;
}

const partOf = (output: string): string => `${output}.part`;

export const removePart = (output: string): Promise<void> => rm(partOf(output), { force: true });

export async function openWriter({ output, format, input, formulas, from = 0 }: WriterOptions): Promise<OutputFile> {
  const part = partOf(output);
  const file: FileHandle = await open(part, from > 0 ? 'r+' : 'w').catch((error: NodeJS.ErrnoException) => {
    throw cannotWrite(part, error);
  });
  await file.truncate(from);
  let bytes = from;
  let writer: ResultWriter | undefined;

  async function write(part: Bytes): Promise<void> {
    const data = toBuffer(part);
    for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, bytes + at)).bytesWritten;
    bytes += data.length;
  }
  /** The columns are known once the first rows have been read. */
  async function start(): Promise<ResultWriter> {
    const columns = input.columns();
    const source = columns === undefined ? {} : { columns, columnNames: input.foundNames() };
    const started = createResultWriter(format, source, formulas);
    const first = started.start();
    if (bytes === 0) await write(first);
    return started;
  }

  return {
    async add(results, items) {
      writer ??= await start();
      await write(writer.rows(results, items));
    },
    escaped: () => writer?.escaped() ?? 0,
    bytes: () => bytes,
    async commit() {
      writer ??= await start();
      await write(writer.end());
      // Synchronised before the rename: a file with the name of the output must be complete.
      await file.sync();
      await file.close();
      await rename(part, output);
    },
    close: () => file.close(),
  };
}
