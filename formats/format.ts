import type { StreamQuery } from '../shared/contracts/batch.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import type { Bytes } from './bytes.ts';
import type { ReadItem, Strictness } from './items.ts';

/** The names of the columns or fields that contain the parts of an item. */
export interface ColumnNames {
  image: string;
  text: string;
  id: string;
}

/** Types of columns. In a format without types, all columns are text. */
export const columnTypes = ['text', 'integer', 'number', 'boolean', 'date', 'time'] as const;
export type ColumnType = (typeof columnTypes)[number];

/** The columns of a file. */
export interface Header {
  /** Names of all columns, in their order. */
  names: string[];
  /** The columns that are read as image, text and id. Upper and lower case may differ from the requested names. */
  columns: ColumnNames;
  /** Types of the columns, in their order; absent when all columns are text. */
  types?: ColumnType[] | undefined;
}

/** Counts the bytes that a reader holds in memory because their line, row or item is incomplete. */
export interface PendingBytes {
  /**
   * Reserves memory for this many bytes, and resolves when it is granted. A lower number releases the rest at once.
   * @throws {ServiceError} `overloaded`
   */
  set(bytes: number): Promise<void>;
}

export interface ReadOptions {
  strictness: Strictness;
  /** The names of the requested columns, for formats with columns. */
  columns: ColumnNames;
  /**
   * The names of the requested fields, for formats without columns. Other fields become metadata. Default: the field
   * names of the API.
   */
  fields?: ColumnNames | undefined;
  /**
   * The delimiter to use in place of the usual delimiter of the format. A first line `sep=;` in the file takes
   * precedence.
   */
  delimiter?: string | undefined;
  /** Declared encoding of text, by its name in the Encoding Standard. */
  encoding?: string | undefined;
  /** Returns the bytes received so far, before they are decompressed. */
  sent?: (() => number) | undefined;
  pending?: PendingBytes | undefined;
  /** The tenant or client for which the file is read. Resources are shared fairly between owners. */
  owner?: string | undefined;
  /** Ends the reading. */
  signal?: AbortSignal | undefined;
}

/** A file of items that is read once. */
export interface ItemFile {
  /**
   * The items in their order, a few at a time. An item that cannot be read has an error that names its line or row.
   * @throws {ServiceError} `request.invalid` for a file that is not of its format, or for a bad item when strict.
   */
  items: AsyncGenerator<ReadItem[]>;
  /** Returns the columns once the first items were read; undefined before, and in formats without columns. */
  header(): Header | undefined;
}

/** The properties of a batch that determine the columns of its results. */
export interface ResultSource {
  /** Header of the uploaded file, if it has columns. */
  columns?: readonly string[] | undefined;
  /** The columns that were read as image, text and id. */
  columnNames?: ColumnNames | undefined;
  /** Types of these columns, in their order; absent where all are text. */
  columnTypes?: readonly ColumnType[] | undefined;
  /** Set when several models share the batch. */
  traffic?: object | undefined;
  /** True when a model of the batch gives each pair a probability. */
  pairProbabilities?: boolean | undefined;
  /** Facts about the scores. Formats that can store facts about a whole file include them. */
  model?: string | undefined;
  revision?: string | undefined;
  precision?: string | undefined;
  preprocess?: string | undefined;
  textCleaning?: string | undefined;
  longText?: string | undefined;
}

/** Writes the results of one batch, a few rows at a time. A returned part may be empty. */
export interface ResultWriter {
  /** Returns the bytes before the first row. */
  start(): Bytes;
  /**
   * Returns the next rows.
   * @param items the items of the results, in the same order.
   * @param status only results with this status.
   */
  rows(results: readonly ItemResult[], items: readonly (ReadItem | undefined)[], status?: StreamQuery['status']): Bytes;
  /** Returns the bytes after the last row. */
  end(): Bytes;
  /** Returns the number of cells that got an apostrophe, so that a spreadsheet does not run them as formulas. */
  escaped(): number;
}

/** Reads a format from a stream of bytes. */
export type ReadStream = (bytes: AsyncIterable<Buffer>, options: ReadOptions) => ItemFile;

/** Reads a format from a file. */
export type ReadFile = (path: string, options: ReadOptions) => ItemFile;

export type CreateWriter = (source: ResultSource, formulas: StreamQuery['formulas']) => ResultWriter;
