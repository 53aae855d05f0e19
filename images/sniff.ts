import { fileFormat } from '../shared/file-format.ts';

/** The number of bytes at the start of a file that suffice to identify its format. */
export const sniffedBytes = 12;

/**
 * Returns true when bytes begin like a supported image format. The content type from the host is ignored. The download
 * of a video or a web page can then end after its first bytes.
 */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
