import type { ItemResult } from '../../shared/contracts/item.ts';
import { addressOf } from '../store/item-address.ts';
import type { StoredItem } from '../store/payload.ts';

/** Returns a result with the text of its item and the address of its image. */
export function withItem(result: ItemResult, item: StoredItem | undefined): ItemResult {
  return { ...result, text: item?.text ?? '', image: addressOf(item) };
}
