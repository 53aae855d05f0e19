import { fileFormat } from '../shared/file-format.ts';

/** The number of first bytes that identify the format of a file. */
export const sniffedBytes = 12;

/** Lets the download of a video or web page end after its first bytes. */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
