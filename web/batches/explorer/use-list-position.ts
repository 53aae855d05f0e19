import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { HashQuery } from '../../shell/hash-query.ts';

/** The time in ms without a scroll after which the URL gets the first visible row. */
const restMs = 300;
/** The number of rows after which the list scrolls to the row before them. They fill the box. */
export const rowsBelow = 50;

export interface ListPosition {
  /** Identifies the batch, and the pairs with their order. */
  batch: string;
  pairs: string;
  view: string;
  /** The row in the URL. */
  row: number | undefined;
  /** The first visible row. */
  first: number;
  /** The number of rows known so far. */
  count: number;
  isComplete: boolean;
  hashQuery: HashQuery;
  /** Scrolls the list to a row. */
  show(row: number): void;
}

/**
 * Keeps the first visible row in the URL, and scrolls to the row of the URL when the list or its view appears and after
 * Back. A list of other pairs starts at its first row.
 * @returns the row that has to load before the list can scroll to it.
 */
export function useListPosition(list: ListPosition): number | undefined {
  const { batch, pairs, view, row, first, count, isComplete, hashQuery, show } = list;
  const known = useRef<Pick<ListPosition, 'batch' | 'pairs' | 'view' | 'row'> | undefined>(undefined);
  const awaited = useRef<number | undefined>(undefined);
  const isStale = useRef(false);

  const before = known.current;
  if (before === undefined || before.batch !== batch) awaited.current = row ?? 0;
  else if (before.pairs !== pairs) {
    // A filter or a link to other pairs keeps the row in the URL. Back replaces it.
    isStale.current = row !== undefined && row === before.row;
    awaited.current = isStale.current ? 0 : (row ?? 0);
  } else if (before.view !== view || before.row !== row) awaited.current = row ?? 0;
  known.current = { batch, pairs, view, row };

  function write(next: number): void {
    const value = next > 0 ? next : undefined;
    known.current = { batch, pairs, view, row: value };
    hashQuery.set({ row: value === undefined ? undefined : String(value) });
  }

  useLayoutEffect(() => {
    const to = awaited.current;
    if (to === undefined || (to > 0 && count < to + rowsBelow && !isComplete)) return;
    awaited.current = undefined;
    show(Math.max(0, Math.min(to, count - 1)));
  });

  const isAwaited = awaited.current !== undefined;
  useEffect(() => {
    if (isStale.current) {
      isStale.current = false;
      write(0);
      return;
    }
    if (isAwaited || count === 0 || first === (row ?? 0)) return;
    const { hash } = location;
    const timer = setTimeout(() => {
      // A link may have led to other pairs, which are not rendered yet.
      if (location.hash === hash) write(first);
    }, restMs);
    return () => clearTimeout(timer);
  }, [isAwaited, first, count === 0, pairs, view, hashQuery.query]);

  return awaited.current;
}
