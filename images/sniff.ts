import { fileFormat } from '../shared/file-format.ts';

/** Bytes from the start of a file that show whether it is of a decoded format. */
export const sniffedBytes = 12;

/**
 * Whether bytes begin like one of the formats that are decoded, whatever their sender calls them. The download of a video
 * or a page is then ended after its first bytes.
 */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
