import { distance } from 'fastest-levenshtein';

/**
 * Returns the name that differs least from a mistyped word, or undefined.
 * @param most returns the maximum number of edited characters for a name.
 */
export function nearestOf(word: string, names: Iterable<string>, most: (name: string) => number): string | undefined {
  let nearest: { name: string; edits: number } | undefined;
  for (const name of names) {
    // The difference of the lengths is a lower bound, and spares the comparison of a long word.
    if (Math.abs(name.length - word.length) > most(name)) continue;
    const edits = editsBetween(word, name);
    if (edits <= most(name) && (nearest === undefined || edits < nearest.edits)) nearest = { name, edits };
  }
  return nearest?.name;
}

/** Returns the number of edited characters. Two swapped letters count as one edit. */
function editsBetween(word: string, name: string): number {
  const edits = distance(word, name);
  const letters = (text: string) => [...text].sort().join('');
  return edits === 2 && letters(word) === letters(name) ? 1 : edits;
}

/** Returns the name that a mistyped word probably means: upper and lower case count as the same. */
export function nearestName(word: string, names: Iterable<string>): string | undefined {
  const byLowerCase = new Map([...names].map((name) => [name.toLowerCase(), name]));
  const nearest = nearestOf(word.toLowerCase(), byLowerCase.keys(), ({ length }) =>
    Math.min(3, Math.floor(length / 3)),
  );
  return nearest && byLowerCase.get(nearest);
}
