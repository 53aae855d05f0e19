import type { BatchStatus } from './contracts/batch/status.ts';
import { codes, isCode } from './errors.ts';

/**
 * Returns the number of failed items whose image file could not be read. If a client reads the files, a retry by the
 * service does not read them again.
 */
export const countUnreadFiles = ({ failures }: Pick<BatchStatus, 'failures'>): number =>
  Object.entries(failures)
    .filter(([code]) => code.startsWith('image.file.'))
    .reduce((sum, [, count = 0]) => sum + count, 0);

const unusableImage = /^image\.(too_|unsupported_format|corrupt|decode_timeout)/;

/**
 * Returns true if the bytes of an image were read but cannot be used. If a client sent them from a file, a retry uses
 * them again, and not those of the mended file.
 */
export const hasUnusableImages = ({ failures }: Pick<BatchStatus, 'failures'>): boolean =>
  Object.keys(failures).some((code) => unusableImage.test(code));

/** Returns the number of failed items that may succeed in a retry. Codes of a newer service count as lasting. */
export const countRetryable = ({ failures }: Pick<BatchStatus, 'failures'>): number =>
  Object.entries(failures)
    .filter(([code]) => isCode(code) && codes[code].retryable)
    .reduce((sum, [, count = 0]) => sum + count, 0);
