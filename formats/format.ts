import type { StreamQuery } from '../shared/contracts/batch/results.ts';
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

/** Limits the memory for a line, row or item that has not arrived completely. */
export interface PendingBytes {
  /**
   * Sets the reserved memory to this number of bytes, and resolves when it is granted. A smaller number than before
   * releases the difference at once.
   * @throws {ServiceError} `overloaded` when the memory is not granted in time.
   */
  set(bytes: number): Promise<void>;
}

export interface ReadOptions {
  strictness: Strictness;
  /**
   * The model that the client requested for the batch. If a line of an OpenAI batch names a model, it must be this one.
   */
  model?: string | undefined;
  /** The names of the columns for image, text and id, in formats with columns. */
  columns: ColumnNames;
  /**
   * The names of the fields for image, text and id, in formats without columns. All other fields then become metadata.
   * If this is not set, the field names of the API are used, and other fields are errors.
   */
  fields?: ColumnNames | undefined;
  /**
   * True when rows of the file will be written into another file of its format. A file for which this is impossible is
   * refused.
   */
  isCopied?: boolean | undefined;
  /**
   * The delimiter that replaces the usual one of the format. A first line such as `sep=;` in the file takes precedence.
   */
  delimiter?: string | undefined;
  /** The declared text encoding, as a name of the WHATWG Encoding Standard. */
  encoding?: string | undefined;
  /** Returns the number of bytes received so far, before they are decompressed. */
  sent?: (() => number) | undefined;
  pending?: PendingBytes | undefined;
  /** The tenant or client whose file is read. Owners share memory, disk space and reader processes fairly. */
  owner?: string | undefined;
  /** A signal that ends the reading when it aborts. */
  signal?: AbortSignal | undefined;
}

/** The items of a file, which can be read only once. */
export interface ItemFile {
  /**
   * The items in their order, in small groups. An item that cannot be read has an error that names its line or row.
   * @throws {ServiceError} `request.invalid` for a file that does not have the expected format, or for a bad item if
   * `strictness` is `strict`.
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
  /** The traffic rules of the batch. Set when several models share the batch. */
  traffic?: object | undefined;
  /** True when a model of the batch gives each pair a probability. */
  pairProbabilities?: boolean | undefined;
  /** True when each result represents a group of equal items and states the size of this group. */
  groupSizes?: boolean | undefined;
  /** Facts about the computation of the scores. They are stored in files of formats that can contain such facts. */
  model?: string | undefined;
  revision?: string | undefined;
  precision?: string | undefined;
  preprocess?: string | undefined;
  textCleaning?: string | undefined;
  longText?: string | undefined;
}

/**
 * Writes the results of a batch, a few rows at a time. Each method returns the finished bytes of the output, which may
 * be none.
 */
export interface ResultWriter {
  /** Returns the bytes before the first row. */
  start(): Bytes;
  /**
   * Returns the bytes of the next rows.
   * @param items the items to which the results belong, in the same order.
   * @param status if set, only results with this status are written.
   */
  rows(results: readonly ItemResult[], items: readonly (ReadItem | undefined)[], status?: StreamQuery['status']): Bytes;
  /** Returns the bytes after the last row. */
  end(): Bytes;
  /** Returns how many cells got a leading apostrophe so far. Without it, a spreadsheet would run them as formulas. */
  escaped(): number;
}

/** A function that reads items of a format from a stream of bytes. */
export type ReadStream = (bytes: AsyncIterable<Buffer>, options: ReadOptions) => ItemFile;

/** A function that reads items of a format from a file. */
export type ReadFile = (path: string, options: ReadOptions) => ItemFile;

export type CreateWriter = (source: ResultSource, formulas: StreamQuery['formulas']) => ResultWriter;
