/** Describes a rank (the share of pairs with a lower score) in words. */
export function rankWords(rank: number): string {
  const percent = (share: number) => (share < 0.01 ? '1' : (100 * share).toFixed(0));
  return rank >= 0.5 ? `best ${percent(1 - rank)}\u00a0%` : `lowest ${percent(rank)}\u00a0%`;
}
