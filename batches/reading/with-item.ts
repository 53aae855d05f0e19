import type { ItemResult } from '../../shared/contracts/item.ts';
import { addressOf } from '../store/item-address.ts';
import type { StoredItem } from '../store/payload.ts';

export function withItem(result: ItemResult, item: StoredItem | undefined): ItemResult {
  return { ...result, text: item?.text ?? '', image: addressOf(item) };
}
