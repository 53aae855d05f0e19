import { rowFault } from '../../../../formats/delimited/faults.ts';
import { placedFault } from '../../../../formats/placed-fault.ts';
import type { ColumnMapping } from '../column-mapping.ts';
import type { Preview } from '../preview.ts';

/** Returns the error that each broken row will have in the batch, by its position in the preview. */
export function rowFaultsOf(
  { columns, read = [] }: Pick<Preview, 'columns' | 'read'>,
  { image, text }: Pick<ColumnMapping, 'image' | 'text'>,
): ReadonlyMap<number, string> {
  const needed = 1 + Math.max(columns.indexOf(image), columns.indexOf(text));
  const faults = read.map((row) => ({ line: row.line, fault: rowFault(row, columns.length, needed) }));
  return new Map(
    faults.flatMap(({ line, fault }, at) => (fault === undefined ? [] : [[at, placedFault(`line ${line}`, fault)]])),
  );
}
