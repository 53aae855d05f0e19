import type { ItemResult } from '../../../shared/contracts/item.ts';
import type { RequestFailed } from '../../http/client.ts';

/** A list of results of any length. Only the parts near the visible rows are in memory. */
export interface Listing {
  /** The number of known rows. */
  count: number;
  isComplete: boolean;
  isLoading: boolean;
  failure: RequestFailed | undefined;
  at(row: number): ItemResult | undefined;
  /** Returns the row of a loaded result with the given item index. */
  rowOf(index: number): number | undefined;
  /** Returns the loaded row nearest to a row, if a few rows after it are loaded too. */
  nearest(row: number): number | undefined;
  /** Loads missing rows near the visible rows. */
  show(from: number, to: number): void;
  retry(): void;
}

export interface ListingSource {
  state(): Listing;
  close(): void;
}
