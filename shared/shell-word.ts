/** Returns a word in the quotes of a POSIX shell. */
export const shellQuoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Returns a word as a POSIX shell reads it back, in quotes only where they are needed. */
export const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuoted(word));
