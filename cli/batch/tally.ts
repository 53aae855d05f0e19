import { z } from 'zod';
import type { StoredItem } from '../../batches/store/payload.ts';
import { addressOf } from '../../formats/result-columns.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { excerpt } from '../../shared/errors.ts';
import { isSwapped } from '../../shared/image-paths.ts';
import { addFailed, type ImageOrigin, remedyOf } from '../../shared/remedies.ts';
import { imagePath } from './local-images.ts';

/** `image` is the image of the row, shortened, if the message does not have it. */
const example = z.object({ index: z.int(), message: z.string(), image: z.string().optional() });

/** Counts of rows by outcome, with an example of each kind of failure. */
export const tallySchema = z.object({
  succeeded: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** CSV cells that got a leading apostrophe, because a spreadsheet would run them as formulas. */
  escapedCells: z.int().default(0),
  /** Scored rows with a warning, such as a truncated text. */
  warned: z.object({ rows: z.int(), first: example }).optional(),
  /** Failed rows whose image and text are probably swapped. */
  swapped: z.int().optional(),
  /** Failed rows by their {@link Remedy} and code. A state file of an older version has none, or no codes. */
  remedies: z.record(z.string(), z.record(z.string(), z.int())).catch({}),
  failures: z.record(z.string(), z.object({ items: z.int(), first: example })),
});
export type Tally = z.output<typeof tallySchema>;

export const emptyTally = (): Tally => ({
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  escapedCells: 0,
  remedies: {},
  failures: {},
});

/** @param item the row of the result. */
export function count(tally: Tally, result: ItemResult, item?: StoredItem): void {
  tally[result.status === 'answered' ? 'succeeded' : result.status]++;
  if (result.status === 'succeeded' && result.warnings?.[0] !== undefined) {
    tally.warned ??= { rows: 0, first: { index: result.index, message: result.warnings[0] } };
    tally.warned.rows++;
  }
  if (result.status !== 'failed') return;
  const { code, message } = result.error;
  tally.failures[code] ??= { items: 0, first: { index: result.index, message, image: nameOf(item, message) } };
  tally.failures[code].items++;
  const isText = isImageText(code, item);
  if (isText) tally.swapped = (tally.swapped ?? 0) + 1;
  // A text of one word is a path, too, but no file has to be corrected.
  const remedy = isText && code === 'image.file.not_found' ? 'source' : remedyOf(code, originOf(item));
  addFailed(tally.remedies, remedy, code);
}

/** Returns true if the image of a failed row is probably its text. */
function isImageText(code: string, item: StoredItem | undefined): boolean {
  // Only the service reads an address, so an error of its download does not show that the image is a text.
  if (!code.startsWith('image.') || code.startsWith('image.fetch.')) return false;
  return typeof item?.image === 'string' && isSwapped(item.image, item.text ?? '');
}

function originOf(item: StoredItem | undefined): ImageOrigin | undefined {
  if (item === undefined || !('image' in item) || item.image === undefined) return undefined;
  const { image } = item;
  if (imagePath(image) !== undefined || (typeof image === 'object' && 'file' in image)) return 'file';
  return typeof image === 'string' && /^https?:/i.test(image.trim()) ? 'address' : 'bytes';
}

function nameOf(item: StoredItem | undefined, message: string): string | undefined {
  if (item === undefined || !('image' in item) || item.image === undefined) return undefined;
  const name = addressOf(item);
  return name === '' || message.includes(name) ? undefined : excerpt(name, 80);
}

export const rowsOf = ({ succeeded, failed, cancelled }: Tally): number => succeeded + failed + cancelled;
