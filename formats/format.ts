import type { StreamQuery } from '../shared/contracts/batch.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import type { Bytes } from './bytes.ts';
import type { ReadItem, Strictness } from './items.ts';

/** Names of the columns, or fields, with the parts of an item. */
export interface ColumnNames {
  image: string;
  text: string;
  id: string;
}

/** Type of a column whose values are not all text. A format without types has text alone. */
export const columnTypes = ['text', 'integer', 'number', 'boolean', 'date', 'time'] as const;
export type ColumnType = (typeof columnTypes)[number];

/** The columns of a file. */
export interface Header {
  /** Names of all columns, in their order. */
  names: string[];
  /** The columns that are read as image, text and id. Their case may differ from the names that were asked for. */
  columns: ColumnNames;
  /** Types of the columns, in their order; absent where all are text. */
  types?: ColumnType[] | undefined;
}

/** Counts the bytes that a reader holds because the end of their line, row or item has not arrived. */
export interface PendingBytes {
  /**
   * Resolves when so many bytes may be held. A lower number frees the others at once.
   * @throws {ServiceError} `overloaded`
   */
  set(bytes: number): Promise<void>;
}

export interface ReadOptions {
  strictness: Strictness;
  /** Columns that are asked for, in formats with columns. */
  columns: ColumnNames;
  /** Fields that are asked for, in formats without columns. Other fields become metadata. Absent: those of the API. */
  fields?: ColumnNames | undefined;
  /** Separator of columns, in place of the one of the format. A first line `sep=;` of the file overrides it. */
  delimiter?: string | undefined;
  /** Declared encoding of text, by its name in the Encoding Standard. */
  encoding?: string | undefined;
  /** Returns the bytes received so far, before they are decompressed. */
  sent?: (() => number) | undefined;
  pending?: PendingBytes | undefined;
}

/** A file of items that is read once. */
export interface ItemFile {
  /**
   * The items in their order, a few at a time. An item that cannot be read has an error that names its line or row.
   * @throws {ServiceError} `request.invalid` for a file that is not of its format, or for a bad item when strict.
   */
  items: AsyncGenerator<ReadItem[]>;
  /** Returns the columns once the first items have come; undefined before, and in formats without columns. */
  header(): Header | undefined;
}

/** The facts of a batch that decide the columns of its results. */
export interface ResultSource {
  /** Header of the file that the items came in, where it had columns. */
  columns?: readonly string[] | undefined;
  /** The columns that were read as image, text and id. */
  columnNames?: ColumnNames | undefined;
  /** Types of these columns, in their order; absent where all are text. */
  columnTypes?: readonly ColumnType[] | undefined;
  /** Present where several models share the batch. */
  traffic?: object | undefined;
  /** Facts about the scores, which formats with metadata of a file repeat there. */
  model?: string | undefined;
  revision?: string | undefined;
  precision?: string | undefined;
  preprocess?: string | undefined;
  textCleaning?: string | undefined;
  longText?: string | undefined;
}

/** Writes the results of one batch, some rows at a time. A part may be empty. */
export interface ResultWriter {
  /** Returns what stands before the first row. */
  start(): Bytes;
  /**
   * Returns the next rows.
   * @param items the items of the results, in the same order.
   * @param status only results of this outcome.
   */
  rows(results: readonly ItemResult[], items: readonly (ReadItem | undefined)[], status?: StreamQuery['status']): Bytes;
  /** Returns what stands after the last row. */
  end(): Bytes;
  /** Counts the cells that got an apostrophe because a spreadsheet would run them. */
  escaped(): number;
}

/** Reads a format from its bytes as they arrive. */
export type ReadStream = (bytes: AsyncIterable<Buffer>, options: ReadOptions) => ItemFile;

/** Reads a format from a file. */
export type ReadFile = (path: string, options: ReadOptions) => ItemFile;

export type CreateWriter = (source: ResultSource, formulas: StreamQuery['formulas']) => ResultWriter;
