import { describeNonImage, fileFormat, formatBytes } from '../../shared/file-format.ts';

/** Returns the reason why the service cannot decode a file as an image, from its first bytes; undefined if it may. */
export async function imageFault(file: File): Promise<string | undefined> {
  let start: Uint8Array;
  try {
    start = new Uint8Array(await file.slice(0, formatBytes).arrayBuffer());
  } catch {
    return 'The browser cannot read it';
  }
  return fileFormat(start)?.isDecoded ? undefined : describeNonImage(start);
}
