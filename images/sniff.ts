import { fileFormat } from '../shared/file-format.ts';

/** The number of first bytes that identify the format of a file. */
export const sniffedBytes = 12;

/** Returns true for the first bytes of a supported image format, so that other downloads can end early. */
export const beginsLikeImage = (bytes: Uint8Array): boolean => fileFormat(bytes)?.isDecoded ?? false;
