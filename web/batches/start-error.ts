import { type ColumnMapping, mappingError } from './column-mapping.ts';
import type { Preview } from './preview.ts';

/** Returns the reason why a file cannot become a batch; undefined if it can. */
export function startError({ estimate }: Pick<Preview, 'estimate'>, mapping: ColumnMapping): string | undefined {
  if (estimate?.exact && estimate.rows === 0)
    return 'The file has no rows after the header, so there is nothing to score.';
  return mappingError(mapping);
}
