import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { StoredItem } from '../../batches/store/payload.ts';
import { createResultCsv, type ResultCsv } from '../../formats/delimited/results.ts';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { inOneLine } from '../../shared/exact-json.ts';
import { UsageError } from '../failures.ts';
import { cannotWrite } from '../output-file.ts';
import type { BatchInput } from './input.ts';

export type OutputFormat = 'csv' | 'ndjson';

/** Writes results beside the output, which appears when it is whole. */
export interface ResultWriter {
  /** @param items those of the results, in the same order. */
  add(results: readonly ItemResult[], items: readonly StoredItem[]): Promise<void>;
  /** Cells of CSV that were written with an apostrophe, as a spreadsheet would run them. */
  escaped(): number;
  /** Length of what has been written. */
  bytes(): number;
  /** The output is whole: it takes its name. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

export interface WriterOptions {
  output: string;
  format: OutputFormat;
  input: Pick<BatchInput, 'columns' | 'foundNames'>;
  formulas: StreamQuery['formulas'];
  /** Length of what an earlier run has written and this one goes on with. */
  from?: number;
}

/** By the name of the output. */
export function outputFormatOf(output: string): OutputFormat {
  const extension = /\.(csv|ndjson|jsonl)$/i.exec(output)?.[1]?.toLowerCase();
  if (extension === undefined) throw new UsageError(`The output ${output} is neither .csv nor .ndjson nor .jsonl`);
  return extension === 'csv' ? 'csv' : 'ndjson';
}

/** Beside the input: `pairs.csv` becomes `pairs.scores.csv`. */
export function outputBeside(input: string): string {
  const [, stem, extension] = /^(.*)\.(csv|tsv|ndjson|jsonl|parquet)(?:\.gz)?$/i.exec(input) ?? [];
  const isLines = /^(ndjson|jsonl)$/i.test(extension ?? '');
  return `${stem ?? input}.scores.${isLines ? extension?.toLowerCase() : 'csv'}`;
}

const partOf = (output: string): string => `${output}.part`;

export const removePart = (output: string): Promise<void> => rm(partOf(output), { force: true });

export async function openWriter({ output, format, input, formulas, from = 0 }: WriterOptions): Promise<ResultWriter> {
  const part = partOf(output);
  const file: FileHandle = await open(part, from > 0 ? 'r+' : 'w').catch((error: NodeJS.ErrnoException) => {
    throw cannotWrite(part, error);
  });
  await file.truncate(from);
  let bytes = from;
  let csv: ResultCsv | undefined;

  async function write(text: string): Promise<void> {
    const data = Buffer.from(text);
    for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, bytes + at)).bytesWritten;
    bytes += data.length;
  }
  async function startCsv(): Promise<ResultCsv> {
    const columns = input.columns();
    const started = createResultCsv(
      columns === undefined ? {} : { columns, columnNames: input.foundNames() },
      formulas,
    );
    if (bytes === 0) await write(started.header());
    return started;
  }

  return {
    async add(results, items) {
      if (format === 'ndjson')
        return await write(inOneLine(results.map((result) => `${JSON.stringify(result)}\n`).join('')));
      csv ??= await startCsv();
      await write(csv.rows(results, items));
    },
    escaped: () => csv?.escaped() ?? 0,
    bytes: () => bytes,
    async commit() {
      // On disk before its name says that it is whole.
      await file.sync();
      await file.close();
      await rename(part, output);
    },
    close: () => file.close(),
  };
}
