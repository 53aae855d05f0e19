import type { StreamQuery } from '../shared/contracts/batch/results.ts';
import type { ItemResult } from '../shared/contracts/item.ts';
import type { Bytes } from './bytes.ts';
import type { ReadItem, Strictness } from './items.ts';

/** The columns or fields that contain the image, the text and the id of an item. */
export interface ColumnNames {
  image: string;
  text: string;
  id: string;
}

/** The types of columns. Formats without types have only text. */
export const columnTypes = ['text', 'integer', 'number', 'boolean', 'date', 'time'] as const;
export type ColumnType = (typeof columnTypes)[number];

export interface Header {
  /** All column names, in the order of the file. */
  names: string[];
  /** The columns read as image, text and id. Their case may differ from the requested names. */
  columns: ColumnNames;
  /** The types of `names`, in the same order; absent when all are text. */
  types?: ColumnType[] | undefined;
}

/** Limits the memory for a line, row or item that has not arrived completely. */
export interface PendingBytes {
  /**
   * Sets the reserved memory to this number of bytes, and resolves when it is granted. A decrease takes effect at once.
   * @throws {ServiceError} `overloaded` when the memory is not granted in time.
   */
  set(bytes: number): Promise<void>;
}

export interface ReadOptions {
  strictness: Strictness;
  /** The model of the batch. Lines of an OpenAI batch must name no other model. */
  model?: string | undefined;
  columns: ColumnNames;
  /**
   * The fields for image, text and id, in formats without columns. All other fields then become metadata. Default: the
   * fields of the API, and others are errors.
   */
  fields?: ColumnNames | undefined;
  /** True when rows will be copied to a new file of this format. A file for which this is impossible is refused. */
  isCopied?: boolean | undefined;
  /** Replaces the usual delimiter of the format. A first line such as `sep=;` takes precedence. */
  delimiter?: string | undefined;
  /** The declared text encoding, as a name of the WHATWG Encoding Standard. */
  encoding?: string | undefined;
  /** Returns the number of bytes received so far, before decompression. */
  sent?: (() => number) | undefined;
  pending?: PendingBytes | undefined;
  /** The tenant or client. Owners share memory, disk space and reader processes fairly. */
  owner?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** The items of a file. They can be read only once. */
export interface ItemFile {
  /**
   * Small groups of items, in file order. The error of an unreadable item names its line or row.
   * @throws {ServiceError} `request.invalid` for a file that is not in this format, or for a bad item if `strictness`
   * is `strict`.
   */
  items: AsyncGenerator<ReadItem[]>;
  /** Returns the columns, or undefined before the first items and for formats without columns. */
  header(): Header | undefined;
}

/** The properties of a batch that determine the columns of its results. */
export interface ResultSource {
  /** The names of the uploaded columns, if the file has columns. */
  columns?: readonly string[] | undefined;
  columnNames?: ColumnNames | undefined;
  /** The types of `columns`, in the same order; absent when all are text. */
  columnTypes?: readonly ColumnType[] | undefined;
  /** The traffic rules, if several models share the batch. */
  traffic?: object | undefined;
  pairProbabilities?: boolean | undefined;
  /** True when each result represents a group of equal items and states the size of this group. */
  groupSizes?: boolean | undefined;
  /** The original batch, if the batch is a retry. Each result then states the index of its item in the original. */
  retryOf?: string | undefined;
  /** How the scores were computed. Some formats store it. */
  model?: string | undefined;
  revision?: string | undefined;
  precision?: string | undefined;
  preprocess?: string | undefined;
  textCleaning?: string | undefined;
  longText?: string | undefined;
}

/** Writes the results of a batch, a few rows at a time. Each method returns the finished bytes, which may be none. */
export interface ResultWriter {
  start(): Bytes;
  /**
   * Returns the bytes of the next rows.
   * @param items the items of the results, in the same order.
   * @param status if set, only results with this status are written.
   */
  rows(results: readonly ItemResult[], items: readonly (ReadItem | undefined)[], status?: StreamQuery['status']): Bytes;
  end(): Bytes;
  /** Returns how many cells so far got an apostrophe, so that no spreadsheet runs them as formulas. */
  escaped(): number;
}

export type ReadStream = (bytes: AsyncIterable<Buffer>, options: ReadOptions) => ItemFile;

export type ReadFile = (path: string, options: ReadOptions) => ItemFile;

export type CreateWriter = (source: ResultSource, formulas: StreamQuery['formulas']) => ResultWriter;
