import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import * as numbers from '../../ui/numbers.ts';
import { areRelated } from './query.ts';

/** The number of items at the beginning of a batch that are compared with those of another. */
export const firstItems = 50;

/** The number of batches whose items are read to find one with the same items. */
const mostRead = 8;

type Listed = Pick<ItemResult, 'index' | 'id' | 'image' | 'imagePath' | 'text'>;

/** A difference by which two items at the same position are not the same item. */
type Difference = 'id' | 'image and text' | 'text';

export interface Matched {
  /** The number of items that could be compared. */
  looked: number;
  /** One entry for each item that differs. */
  differences: Difference[];
}

/**
 * Compares the items of two batches by their position. Items with other texts for the same images, or with other images
 * for the same texts, are the same items.
 */
export function matchItems(here: readonly Listed[], there: readonly Listed[]): Matched {
  const others = new Map(there.map((item) => [item.index, item]));
  const matched: Matched = { looked: 0, differences: [] };
  for (const item of here) {
    const other = others.get(item.index);
    const difference = other && differenceOf(item, other);
    if (difference === undefined) continue;
    matched.looked++;
    if (difference !== 'none') matched.differences.push(difference);
  }
  return matched;
}

/** Returns undefined if the items have nothing that can be compared. */
function differenceOf(a: Listed, b: Listed): Difference | 'none' | undefined {
  const haveIds = a.id !== undefined && b.id !== undefined;
  if (haveIds && a.id !== b.id) return 'id';
  const [image, otherImage] = [a.image ?? a.imagePath, b.image ?? b.imagePath];
  const haveImages = image !== undefined && otherImage !== undefined;
  const isOtherText = a.text !== b.text;
  // Ids may be numbers of rows, so equal ids do not suffice.
  if (haveImages) return image !== otherImage && isOtherText ? 'image and text' : 'none';
  if (haveIds) return 'none';
  // Items that are no longer stored have empty texts.
  if (!a.text && !b.text) return undefined;
  return isOtherText ? 'text' : 'none';
}

/** Asks if two batches have the same items. Returns undefined without a reason to doubt it. */
export function doubtWords(batch: BatchStatus, other: BatchStatus, { looked, differences }: Matched) {
  // New texts for images whose addresses are unknown are no reason.
  const counted = areRelated(batch, other) ? differences.filter((each) => each !== 'text') : differences;
  if (counted.length === 0) return undefined;
  const kinds = [...new Set(counted)].map((each) => `another ${each}`).join(' or ');
  const have = `${numbers.count(counted.length)} of the first ${numbers.counted(looked, 'item')} ${counted.length === 1 ? 'has' : 'have'}`;
  return `${have} ${kinds} in the other batch. Are these the same items? They are matched by their position.`;
}

/**
 * Chooses the batch to compare with: a batch of the same origin, otherwise one whose first items are the same.
 * @param readItems reads the first items of a batch.
 */
export async function chooseBatch(
  batch: BatchStatus,
  candidates: readonly BatchStatus[],
  readItems: (id: string) => Promise<readonly Listed[]>,
): Promise<string | undefined> {
  const own = candidates.filter(({ texts }) => texts === 'own');
  const related = own.find((each) => areRelated(batch, each));
  if (related !== undefined || own.length === 0) return related?.id;
  const here = await readItems(batch.id);
  for (const { id } of own.slice(0, mostRead)) {
    const { looked, differences } = matchItems(here, await readItems(id));
    if (looked > 0 && differences.length === 0) return id;
  }
  return undefined;
}
