import type { RequestFailed } from '../../http/request-failed.ts';
import { type ColumnMapping, mappingError } from './column-mapping.ts';
import { mayBeImage } from './files/cell.ts';
import { delimiters } from './files/delimiters.ts';
import type { Preview } from './preview.ts';

/** Returns the reason why a file cannot become a batch; undefined if it can. */
export function startError(
  { estimate, columns, delimiter }: Pick<Preview, 'estimate' | 'columns' | 'delimiter'>,
  mapping: ColumnMapping,
): string | undefined {
  if (estimate?.exact && estimate.rows === 0)
    return 'The file has no rows after the header, so there is nothing to score.';
  const error = mappingError(mapping);
  const other = otherDelimiter(columns, delimiter);
  if (error === undefined || other === undefined) return error;
  return `${error} The columns seem to be separated by ${other}: choose them in “Separated by”.`;
}

/** Returns the name of a separator that splits the header into more columns than the chosen one. */
function otherDelimiter(columns: readonly string[], chosen: string): string | undefined {
  if (chosen === '') return undefined;
  const header = columns.join(chosen);
  const other = Object.keys(delimiters).find(
    (delimiter) => delimiter !== chosen && header.split(delimiter).length > columns.length,
  );
  return other === undefined ? undefined : delimiters[other];
}

/** Returns the warning about a file whose shown rows have no image, in the chosen column or in any; undefined otherwise. */
export function noImageWords(
  { columns, rows }: Pick<Preview, 'columns' | 'rows'>,
  { image }: Pick<ColumnMapping, 'image'>,
): string | undefined {
  const at = columns.indexOf(image);
  const cells = rows.flatMap((row) => (at < 0 ? row : [row[at] ?? '']));
  if (rows.length === 0 || cells.some(mayBeImage)) return undefined;
  const where = at < 0 ? 'The shown rows have no image' : `The shown rows have no image in the column “${image}”`;
  return `${where}. An image is an address (https://…), a data URI, base64 or, in Parquet, the bytes of a file.`;
}

/**
 * Returns the next step after a failed start: the page repeats no request by itself. Undefined if the message has the
 * next step.
 */
export const startAgainWords = ({ status }: Pick<RequestFailed, 'status'>): string | undefined =>
  status < 500
    ? undefined
    : 'The page sends the file again only when you press Start. If the service has already stored the batch, the page opens it.';
