const right = new Set(['1', 'true', 'yes', 'right', 'match', 'good', 'correct', 'positive']);
const wrong = new Set(['0', 'false', 'no', 'wrong', 'mismatch', 'bad', 'incorrect', 'negative']);

export function labelOf(value: unknown): boolean | undefined {
  const word = String(value).trim().toLowerCase();
  return right.has(word) ? true : wrong.has(word) ? false : undefined;
}
