import type { ItemResult } from '../../../shared/contracts/item.ts';
import { codes } from '../../../shared/errors.ts';

/** Describes the outcome of a pair: its error, or the model that scored it, if several may have, and the warnings. */
export function outcomeWords(result: ItemResult): string {
  if (result.status === 'failed') return codes[result.error.code].title;
  if (result.status === 'succeeded') return [result.model ?? [], result.warnings ?? []].flat().join('; ');
  return result.status === 'cancelled' ? 'not evaluated' : '';
}
