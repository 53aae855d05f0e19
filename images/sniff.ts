import { fileFormat } from '../shared/file-format.ts';

/** The bytes at the start of a file that identify its format. */
export const sniffedBytes = 12;

/**
 * Returns true when bytes begin like a format that is decoded, whatever content type was sent. The download of a video or
 * a page then ends after its first bytes.
 */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
