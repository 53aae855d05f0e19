import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RequestFailed } from '../../http/request-failed.ts';

/** A list of results of any length. Only results near the visible rows are in memory. */
export interface Listing {
  /** The number of rows known so far. */
  count: number;
  isComplete: boolean;
  isLoading: boolean;
  failure: RequestFailed | undefined;
  at(row: number): ItemResult | undefined;
  /** Returns the row of the result with this item index, or undefined if it is not loaded. */
  rowOf(index: number): number | undefined;
  /** Returns the row that is nearest to `row` and at which a full screen of loaded rows starts. */
  nearest(row: number): number | undefined;
  /** Sets the visible rows, and loads missing rows in and near them. */
  show(from: number, to: number): void;
  retry(): void;
}

/** Reads a page of results. @throws {RequestFailed} */
export type ReadPage = (query: Record<string, string>, signal: AbortSignal) => Promise<ResultsPage>;

export interface ListingSource {
  state(): Listing;
  close(): void;
}
