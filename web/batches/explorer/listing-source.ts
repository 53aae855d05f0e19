import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RequestFailed } from '../../http/client.ts';

/** A list of results of any length. Only the results near the visible rows are in memory. */
export interface Listing {
  /** The number of rows that the list is known to have so far. */
  count: number;
  isComplete: boolean;
  isLoading: boolean;
  failure: RequestFailed | undefined;
  at(row: number): ItemResult | undefined;
  /** Returns the row number of the result with the given item index; undefined if this result is not loaded. */
  rowOf(index: number): number | undefined;
  /**
   * Returns the number of the loaded row that is nearest to the given row, provided that a few rows after it are loaded
   * too.
   */
  nearest(row: number): number | undefined;
  /** Sets the range of visible rows. Rows in and near this range are loaded if they are missing. */
  show(from: number, to: number): void;
  retry(): void;
}

export interface ListingSource {
  state(): Listing;
  close(): void;
}
