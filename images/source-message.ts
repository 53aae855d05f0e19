import { looksLikeAddress, looksLikePath } from '../shared/image-paths.ts';
import { isPath } from '../shared/path-source.ts';

const path =
  'The image looks like a file path, and the service cannot read your files: send an http:// or https:// URL or the bytes, or use `vls batch`, which sends the files';

/** Returns the error message for a source that is neither a URL nor base64. */
export const describeSource = (source: string): string => (isPath(source) ? path : describeNoBase64(source));

/** Returns the error message for a text that should be base64. */
export function describeNoBase64(source: string): string {
  if (looksLikePath(source)) return path;
  if (source.length <= 2_000 && looksLikeAddress(source)) {
    return 'The image looks like a URL without http:// or https:// in front';
  }
  return 'The image is neither an http(s) URL nor a data URI, and it is not base64';
}
