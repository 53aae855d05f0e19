import type { CsvRow } from './csv.ts';

/** How many columns of ours stand at the end of a row, by the header: one more where several models share the batch. */
export const countResultColumns = ({ fields }: CsvRow): number =>
  /^(vls_)?model(_\d+)?$/.test(fields.at(-1) ?? '') ? 7 : 6;

/** What the service says of an item in CSV; by its place, as columns that were posted may have the same names. */
export function readResultColumns({ fields }: CsvRow, own: number) {
  const [, , cosine = '', code = '', message = ''] = fields.slice(-own);
  return { index: fields[0] ?? '', given: fields.slice(1, -own), cosine, code, message };
}
