import { useEffect, useState } from 'preact/hooks';
import type { Listing } from './listing-source.ts';

/** The time in ms for which the old rows stay on the screen while the new rows are being loaded. */
const heldMs = 500;

/**
 * Returns the row to show instead of row `from` while no row up to `to` is loaded, for example while the scroll bar is
 * dragged: the nearest loaded row. Returns undefined when rows are loaded, and when the service is slow.
 */
export function useHeldRow(listing: Listing, from: number, to: number): number | undefined {
  const isMissing = listing.isLoading && listing.failure === undefined && !hasAny(listing, from, to);
  const nearest = isMissing ? listing.nearest(from) : undefined;
  const [slow, setSlow] = useState<number>();
  useEffect(() => {
    setSlow(undefined);
    if (nearest === undefined) return;
    const timer = setTimeout(() => setSlow(nearest), heldMs);
    return () => clearTimeout(timer);
  }, [nearest]);
  return nearest === slow ? undefined : nearest;
}

function hasAny(listing: Listing, from: number, to: number): boolean {
  for (let row = from; row < to; row++) if (listing.at(row) !== undefined) return true;
  return false;
}
