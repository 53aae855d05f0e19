import type { Disagreement } from '../../../shared/contracts/comparison.ts';

/** Returns the pairs without those that have the texts and the scores of an earlier one. */
export function distinctOf(pairs: readonly Disagreement[]): Disagreement[] {
  const seen = new Map<string, Disagreement>();
  for (const pair of pairs) {
    const key = JSON.stringify([pair.score, pair.otherScore, pair.text, pair.otherText]);
    if (!seen.has(key)) seen.set(key, pair);
  }
  return [...seen.values()];
}
