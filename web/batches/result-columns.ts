import type { CsvRow } from './csv.ts';

/**
 * Counts the result columns at the end of each row. The probability, and the model among several, are not always there.
 */
export function countResultColumns({ fields }: CsvRow): number {
  const isNamed = (column: string | undefined, name: string) =>
    column !== undefined && new RegExp(`^(vls_)?${name}(_\\d+)?$`).test(column);
  const models = isNamed(fields.at(-1), 'model') ? 1 : 0;
  const probabilities = isNamed(fields.at(-1 - models), 'probability') ? 1 : 0;
  return 6 + models + probabilities;
}

/** Reads the result columns of a row by position, because columns of the posted file may have the same names. */
export function readResultColumns({ fields }: CsvRow, own: number) {
  const [, , cosine = '', code = '', message = ''] = fields.slice(-own);
  return { index: fields[0] ?? '', given: fields.slice(1, -own), cosine, code, message };
}
