import type { CsvRow } from './csv.ts';

/** Returns the number of result columns at the end of a row, by the header: one more when several models share the batch. */
export const countResultColumns = ({ fields }: CsvRow): number =>
  /^(vls_)?model(_\d+)?$/.test(fields.at(-1) ?? '') ? 7 : 6;

/** Reads the result columns of a row, by position: posted columns may have the same names. */
export function readResultColumns({ fields }: CsvRow, own: number) {
  const [, , cosine = '', code = '', message = ''] = fields.slice(-own);
  return { index: fields[0] ?? '', given: fields.slice(1, -own), cosine, code, message };
}
