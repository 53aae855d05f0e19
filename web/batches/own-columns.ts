import type { CsvRow } from './csv.ts';

/** What the service says of an item in CSV; by its place, as columns that were posted may have the same names. */
export function ownColumnsOf({ fields }: CsvRow) {
  const [cosine = '', code = '', message = ''] = fields.slice(-4, -1);
  return { index: fields[0] ?? '', given: fields.slice(1, -6), cosine, code, message };
}
