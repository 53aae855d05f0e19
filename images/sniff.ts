import { fileFormat } from '../shared/file-format.ts';

/** The number of bytes at the start of a file that identify its format. */
export const sniffedBytes = 12;

/**
 * Returns true when bytes begin like a supported image format. The download of a video or web page can then end after
 * its first bytes.
 */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
