import type { StreamQuery } from '../shared/contracts/batch.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import type { Bytes } from './bytes.ts';
import type { ReadItem, Strictness } from './items.ts';

/** The names of the columns or fields that contain the image, the text and the id of an item. */
export interface ColumnNames {
  image: string;
  text: string;
  id: string;
}

/** The types that columns can have. In a format without types, all columns are text. */
export const columnTypes = ['text', 'integer', 'number', 'boolean', 'date', 'time'] as const;
export type ColumnType = (typeof columnTypes)[number];

/** The columns of an uploaded file. */
export interface Header {
  /** The names of all columns, in their order in the file. */
  names: string[];
  /**
   * The names of the columns that are read as image, text and id, as the file writes them. They may differ from the
   * requested names in upper and lower case.
   */
  columns: ColumnNames;
  /** The types of the columns, in the order of `names`; absent when all columns are text. */
  types?: ColumnType[] | undefined;
}

/** The memory that a reader uses for a line, row or item that is not complete yet. */
export interface PendingBytes {
  /**
   * Sets the reserved memory to this number of bytes, and resolves when it is granted. A lower number than before
   * releases the difference at once.
   * @throws {ServiceError} `overloaded` when the memory is not granted in time.
   */
  set(bytes: number): Promise<void>;
}

export interface ReadOptions {
  strictness: Strictness;
  /** The model that the client requested for the batch. Lines of OpenAI batches may name it. */
  model?: string | undefined;
  /** The names of the columns to read, for formats with columns. */
  columns: ColumnNames;
  /**
   * The names of the fields to read as image, text and id, for formats without columns. All other fields become
   * metadata. By default, the field names of the API are used, and other fields are errors.
   */
  fields?: ColumnNames | undefined;
  /**
   * The delimiter to use instead of the format's usual delimiter. If the first line of the file is like `sep=;`, the
   * delimiter in that line is used instead.
   */
  delimiter?: string | undefined;
  /** The declared encoding of the text, by its name in the Encoding Standard. */
  encoding?: string | undefined;
  /** Returns the number of bytes received so far, before they are decompressed. */
  sent?: (() => number) | undefined;
  pending?: PendingBytes | undefined;
  /**
   * The tenant or client for which the file is read. Memory, disk space and reader processes are shared fairly between
   * owners.
   */
  owner?: string | undefined;
  /** A signal that ends the reading when it aborts. */
  signal?: AbortSignal | undefined;
}

/** A file of items that is read once. */
export interface ItemFile {
  /**
   * The items in their order, in lists of a few items. An item that cannot be read has an error that names its line or
   * row.
   * @throws {ServiceError} `request.invalid` for a file that does not have the expected format, or for a bad item if
   *   `strictness` is `strict`.
   */
  items: AsyncGenerator<ReadItem[]>;
  /**
   * Returns the columns of the file. Returns undefined before the first items are read, and for formats without
   * columns.
   */
  header(): Header | undefined;
}

/** The properties of a batch that determine the columns of its results. */
export interface ResultSource {
  /** The names of the uploaded file's columns, if it has columns. */
  columns?: readonly string[] | undefined;
  /** The names of the columns that were read as image, text and id. */
  columnNames?: ColumnNames | undefined;
  /** The types of `columns`, in the same order; absent when all are text. */
  columnTypes?: readonly ColumnType[] | undefined;
  /** The traffic rules; set when several models share the batch. */
  traffic?: object | undefined;
  /** True when a model of the batch gives each pair a probability. */
  pairProbabilities?: boolean | undefined;
  /** True when each result stands for a group of equal items and has its size. */
  groupSizes?: boolean | undefined;
  /** Facts about how the scores were computed. Formats that can store facts about a whole file include them. */
  model?: string | undefined;
  revision?: string | undefined;
  precision?: string | undefined;
  preprocess?: string | undefined;
  textCleaning?: string | undefined;
  longText?: string | undefined;
}

/**
 * Writes the results of a batch, a few rows at a time. Each method returns the bytes that are ready, which may be none.
 */
export interface ResultWriter {
  /** Returns the bytes before the first row. */
  start(): Bytes;
  /**
   * Returns the bytes of the next rows.
   * @param items the items that the results belong to, in the same order.
   * @param status if set, only results with this status are written.
   */
  rows(results: readonly ItemResult[], items: readonly (ReadItem | undefined)[], status?: StreamQuery['status']): Bytes;
  /** Returns the bytes after the last row. */
  end(): Bytes;
  /**
   * Returns the number of cells that were written with an apostrophe in front. The apostrophe keeps a spreadsheet from
   * running a cell as a formula.
   */
  escaped(): number;
}

/** A function that reads items of a format from a stream of bytes. */
export type ReadStream = (bytes: AsyncIterable<Buffer>, options: ReadOptions) => ItemFile;

/** A function that reads items of a format from a file. */
export type ReadFile = (path: string, options: ReadOptions) => ItemFile;

export type CreateWriter = (source: ResultSource, formulas: StreamQuery['formulas']) => ResultWriter;
