import type { ItemResult } from '../../../shared/contracts/item.ts';
import { addressOf } from '../../shell/route.ts';

/** Returns the address of the list of pairs with a search for this pair and its open dialog. */
export const pairAddress = (batchId: string, { id, index, text = '' }: Pick<ItemResult, 'id' | 'index' | 'text'>) =>
  `${addressOf.batch(batchId, 'pairs')}?q=${encodeURIComponent(id ?? text.slice(0, 60))}&pair=${index}`;
