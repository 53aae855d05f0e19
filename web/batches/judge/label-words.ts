const right = new Set(['1', 'true', 'yes', 'right', 'match', 'good', 'correct', 'positive']);
const wrong = new Set(['0', 'false', 'no', 'wrong', 'mismatch', 'bad', 'incorrect', 'negative']);

/** Returns true for a word that means right, false for one that means wrong, and undefined otherwise. */
export function labelOf(value: unknown): boolean | undefined {
  const word = String(value).trim().toLowerCase();
  return right.has(word) ? true : wrong.has(word) ? false : undefined;
}
