const right = new Set(['1', 'true', 'yes', 'right', 'match', 'good', 'correct', 'positive']);
const wrong = new Set(['0', 'false', 'no', 'wrong', 'mismatch', 'bad', 'incorrect', 'negative']);

const names = ['label', 'labels', 'is_match', 'match', 'correct', 'gold'];

/** Returns the name of a metadata field with a label (right or wrong); undefined if there is none. */
export const labelColumnOf = (metadata: Record<string, unknown> | undefined): string | undefined =>
  names.find((name) => labelOf(metadata?.[name]) !== undefined);

export function labelOf(value: unknown): boolean | undefined {
  const word = String(value).trim().toLowerCase();
  return right.has(word) ? true : wrong.has(word) ? false : undefined;
}
