import { fileFormat, formatBytes } from './file-format.ts';
import { mayBeBase64, shortestBase64 } from './image-paths.ts';

/** The maximum length of a path in characters. */
const longestPath = 4_096;

/**
 * Returns true if an image source is a path by its beginning: `/`, `./`, `../`, `~/` or a drive letter. `/etc/passwd` is
 * valid base64, too, and the base64 of a JPEG begins with a slash, so the first bytes and the length decide. Unlike
 * `looksLikePath`, which is for advice, the result decides how a source is read.
 */
export function isPath(source: string): boolean {
  const given = source.trim();
  if (given.length > longestPath) return false;
  if (/^(\.{1,2}|~)[\\/]|^[a-z]:[\\/]/i.test(given)) return true;
  if (!given.startsWith('/')) return false;
  if (given.length > shortestBase64 && mayBeBase64(given)) return false;
  return fileFormat(Buffer.from(given.slice(0, 2 * formatBytes), 'base64')) === undefined;
}
