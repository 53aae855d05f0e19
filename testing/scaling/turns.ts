/** Returns the numbers without immediate repetitions. */
export const runsOf = (counts: readonly number[]): number[] => counts.filter((count, at) => count !== counts[at - 1]);

/** Returns how often a series of numbers changes from rising to falling, or back. */
export function turnsOf(counts: readonly number[]): number {
  const runs = runsOf(counts);
  const signs = runs.slice(1).map((count, at) => Math.sign(count - (runs[at] ?? 0)));
  return signs.filter((sign, at) => at > 0 && sign !== signs[at - 1]).length;
}
