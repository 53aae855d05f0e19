import { useEffect, useState } from 'preact/hooks';
import type { Listing } from './listing-source.ts';

/** The time in ms for which the old rows stay visible while new ones load. */
const heldMs = 500;

/**
 * Returns the loaded row to show while no row from `from` up to `to` is loaded, as while the user drags the scroll bar.
 * Undefined once some are loaded, or after {@link heldMs}.
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
