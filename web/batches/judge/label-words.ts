import type { ItemResult } from '../../../shared/contracts/item.ts';

const right = new Set(['1', 'true', 'yes', 'right', 'match', 'good', 'correct', 'positive']);
const wrong = new Set(['0', 'false', 'no', 'wrong', 'mismatch', 'bad', 'incorrect', 'negative']);

const names = ['label', 'labels', 'is_match', 'match', 'correct', 'gold'];

/**
 * Returns the column with labels (right or wrong) of these pairs; undefined if there is none. Cells may be empty, and at
 * least half of the others are labels, because columns with numbers of classes have 0 and 1, too.
 */
export function labelColumnOf(pairs: readonly Pick<ItemResult, 'metadata'>[]): string | undefined {
  const columns = new Set(pairs.flatMap(({ metadata }) => Object.keys(metadata ?? {})));
  const named = names.flatMap((name) => [...columns].filter((column) => column.trim().toLowerCase() === name));
  return named.find((column) => {
    const filled = pairs.flatMap(({ metadata }) => {
      const value = metadata?.[column] ?? '';
      return String(value).trim() === '' ? [] : [labelOf(value)];
    });
    const labels = filled.filter((label) => label !== undefined);
    return labels.length > 0 && 2 * labels.length >= filled.length;
  });
}

export function labelOf(value: unknown): boolean | undefined {
  const word = String(value).trim().toLowerCase();
  return right.has(word) ? true : wrong.has(word) ? false : undefined;
}
