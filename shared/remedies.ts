import type { BatchStatus } from './contracts/batch/status.ts';
import type { ItemResult } from './contracts/item.ts';
import { codes, isCode } from './errors.ts';

/**
 * A way to a score for a failed item:
 * - `retry`: the error may be gone.
 * - `address`: the image is corrected at its address.
 * - `host`: an operator allows its host.
 * - `served`: an image file that the service reads is corrected.
 * - `file`: an image file that a client sends is corrected and posted again. A retry uses the sent bytes again.
 * - `image`: the image is corrected at its address or in its file, which of them is not known.
 * - `source`: the image source is neither an address nor an image.
 * - `item`: the item is corrected and posted again.
 */
export type Remedy = 'retry' | 'address' | 'host' | 'served' | 'file' | 'image' | 'source' | 'item';

/** The source of an image: an HTTP address, a file that the service or a client reads, or bytes in the item. */
export type ImageOrigin = 'address' | 'served' | 'file' | 'bytes';

const unusableImage = /^image\.(too_|unsupported_format|corrupt|decode_timeout)/;
/** Returns true for a code that does not say where the image was. */
const isOfAnyOrigin = (code: string): boolean => code.startsWith('image.file.') || unusableImage.test(code);

/** Codes of a newer service count as lasting. */
const isRetryable = (code: string): boolean => isCode(code) && codes[code].retryable;

/** @param origin undefined if it is not known. */
export function remedyOf(code: string, origin?: ImageOrigin): Remedy {
  if (isRetryable(code)) return 'retry';
  if (!code.startsWith('image.') || code === 'image.not_stored') return 'item';
  if (origin === 'served' && isOfAnyOrigin(code)) return 'served';
  if (code.startsWith('image.file.') || origin === 'file') return 'file';
  if (code === 'image.source_invalid') return 'source';
  if (code === 'image.fetch.blocked_address') return 'host';
  if (code === 'image.fetch.unknown_host') return 'item';
  if (!unusableImage.test(code)) return 'address';
  return origin === 'bytes' ? 'item' : (origin ?? 'image');
}

/** Counts failed items by their remedy and their error code. */
export type Remedies = Partial<Record<Remedy, Partial<Record<string, number>>>>;

export function addFailed(remedies: Remedies, remedy: Remedy, code: string, count = 1): void {
  const counts = remedies[remedy] ?? {};
  remedies[remedy] = { ...counts, [code]: (counts[code] ?? 0) + count };
}

/**
 * @param origin the origin of all images that are missing or cannot be used; undefined if they have several, or it is not
 * known.
 */
export function remediesOf({ failures }: Pick<BatchStatus, 'failures'>, origin?: ImageOrigin): Remedies {
  const remedies: Remedies = {};
  for (const [code, count] of Object.entries(failures)) {
    addFailed(remedies, remedyOf(code, isOfAnyOrigin(code) ? origin : undefined), code, count);
  }
  return remedies;
}

/** Returns the number of failed items with one of these remedies. */
export const countWith = (remedies: Remedies, ...which: readonly Remedy[]): number =>
  which.flatMap((remedy) => Object.values(remedies[remedy] ?? {})).reduce<number>((sum, count = 0) => sum + count, 0);

/** Returns the error codes of the failed items with one of these remedies. */
export const codesWith = (remedies: Remedies, ...which: readonly Remedy[]): string[] => [
  ...new Set(which.flatMap((remedy) => Object.keys(remedies[remedy] ?? {}))),
];

/** Returns the number of failed items that may succeed in a retry. */
export const countRetryable = (status: Pick<BatchStatus, 'failures'>): number => countWith(remediesOf(status), 'retry');

/** Returns the queries for the first results with images that are missing or cannot be used, one for each code. */
export const originQueries = ({ failures }: Pick<BatchStatus, 'failures'>): string[] =>
  Object.keys(failures).filter(isOfAnyOrigin).map(firstFailedQuery);

/** Returns the query for the first results with an error code. In another order, the first page may be empty. */
export const firstFailedQuery = (code: string): string => `code=${code}&sort=index&items=true&limit=20`;

/**
 * Returns the origin of the images of results. Images of which some have an address and others not, or no results, have
 * none. Of bytes with and without a path, a file is the likely origin.
 */
export function originOfImages(
  results: readonly Pick<ItemResult, 'image' | 'imagePath' | 'imageFile'>[],
): ImageOrigin | undefined {
  const origins = new Set(
    results.map(({ image, imagePath, imageFile }): ImageOrigin => {
      if (typeof image === 'string') return 'address';
      if (imageFile) return 'served';
      return imagePath === undefined ? 'bytes' : 'file';
    }),
  );
  for (const origin of ['address', 'served'] as const) {
    if (origins.has(origin)) return origins.size === 1 ? origin : undefined;
  }
  if (origins.has('file')) return 'file';
  return origins.has('bytes') ? 'bytes' : undefined;
}

/** The next step for some failed items, for example `2 image files of the service (image.corrupt)`, `replace or
 * restore them there.` */
export interface NextStep {
  items: string;
  step: string;
}

/**
 * Returns the next steps for failed items that would fail again.
 * @param batchCommand the command `vls batch` as the user calls it.
 * @param format formats a number.
 */
export function nextSteps(remedies: Remedies, batchCommand: string, format: (count: number) => string): NextStep[] {
  const steps: [remedy: Remedy, one: string, many: string, step: (them: string) => string][] = [
    [
      'address',
      'image at an address',
      'images at addresses',
      (them) => `replace or restore ${them} at ${them === 'it' ? 'its address' : 'their addresses'}.`,
    ],
    [
      'host',
      'image at an address that is not allowed',
      'images at addresses that are not allowed',
      () => 'an operator can allow hosts with IMAGE_HOSTS_ALLOW.',
    ],
    [
      'served',
      'image file of the service',
      'image files of the service',
      (them) => `replace or restore ${them} there.`,
    ],
    [
      'file',
      'image file',
      'image files',
      (them) =>
        `replace or restore ${them}, and post ${them} again: with ${batchCommand}, run the same command with --again.`,
    ],
    [
      'image',
      'unusable image',
      'unusable images',
      (them) => `correct ${them}. Post files again: with ${batchCommand}, run the same command with --again.`,
    ],
    [
      'source',
      'image source that is neither an address nor an image',
      'image sources that are neither an address nor an image',
      () => `use ${batchCommand}, which sends local files, or post http(s) addresses.`,
    ],
    [
      'item',
      'item that cannot be scored as it is',
      'items that cannot be scored as they are',
      () => 'correct the input, and post it again.',
    ],
  ];
  return steps.flatMap(([remedy, one, many, step]) => {
    const number = countWith(remedies, remedy);
    if (number === 0) return [];
    const items = `${format(number)} ${number === 1 ? one : many} (${codesWith(remedies, remedy).join(', ')})`;
    return [{ items, step: step(number === 1 ? 'it' : 'them') }];
  });
}

/**
 * Returns the sentence about the items that a retry of all failed items does not help; empty if it helps all.
 * @returns undefined if it helps none.
 */
export function laterRetryWords(remedies: Remedies, format: (count: number) => string): string | undefined {
  const image = countWith(remedies, 'image');
  if (image + countWith(remedies, 'address', 'host', 'served') === 0) return undefined;
  const others = countWith(remedies, 'file', 'source', 'item');
  const some = image === 0 ? '' : ' Files that were sent would still fail, too.';
  return `${others === 0 ? '' : ` ${format(others)} of them would still fail.`}${some}`;
}
