import { fileFormat } from '../shared/file-format.ts';

/** The bytes at the start of a file that identify its format. */
export const sniffedBytes = 12;

/**
 * Returns true when bytes begin like a supported image format, whatever content type was sent. For a video or a web
 * page, the download can then end after its first bytes.
 */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
