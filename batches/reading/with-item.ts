import type { ItemResult } from '../../shared/contracts/item.ts';
import { addressOf, hasStoredImage, isServedFile, pathOf } from '../store/item-address.ts';
import type { StoredItem } from '../store/payload.ts';

export function withItem(result: ItemResult, item: StoredItem | undefined): ItemResult {
  const imagePath = pathOf(item);
  return {
    ...result,
    text: item?.text ?? '',
    image: addressOf(item),
    ...(imagePath !== undefined && { imagePath }),
    ...(hasStoredImage(item) && { imageStored: true }),
    ...(isServedFile(item) && { imageFile: true }),
  };
}
