export const delimiters: Readonly<Record<string, string>> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'bars',
};

export const nameOfDelimiter = (delimiter: string): string => delimiters[delimiter] ?? `“${delimiter}”`;

export function delimiterOf(text: string): string {
  const header = text.split('\n', 1)[0] ?? '';
  const countOf = (delimiter: string) => header.split(delimiter).length;
  return Object.keys(delimiters).reduce((best, next) => (countOf(next) > countOf(best) ? next : best), ',');
}
