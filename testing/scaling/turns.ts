/** Returns the numbers without those that equal the number before them. */
export const runsOf = (counts: readonly number[]): number[] => counts.filter((count, at) => count !== counts[at - 1]);

/** Counts how often a series changes between rising and falling. */
export function turnsOf(counts: readonly number[]): number {
  const runs = runsOf(counts);
  const signs = runs.slice(1).map((count, at) => Math.sign(count - (runs[at] ?? 0)));
  return signs.filter((sign, at) => at > 0 && sign !== signs[at - 1]).length;
}
