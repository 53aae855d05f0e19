import { type FileFormat, fileFormat, formatBytes } from './file-format.ts';
import { looksLikeAddress, mayBeBase64, shortestBase64 } from './image-paths.ts';

/** The maximum length of a path in characters. */
const longestPath = 4_096;

/**
 * Returns true if an image source is a path: by its beginning (`/`, `./`, `../`, `~/` or a drive letter), or because a
 * short word that is neither an address nor an image can be nothing else. `photos/set` is valid base64, too, and the
 * base64 of a JPEG begins with a slash, so the first bytes and the length decide. Unlike `looksLikePath`, which is for
 * advice, the result decides how a source is read. `is_path` of the Python client has the same rule.
 */
export function isPath(source: string): boolean {
  const given = source.trim();
  if (given.length > longestPath) return false;
  if (/^(\.{1,2}|~)[\\/]|^[a-z]:[\\/]/i.test(given)) return true;
  if (!given.startsWith('/')) return isShortWord(given) && formatOfBase64(given) === undefined;
  if (given.length > shortestBase64 && mayBeBase64(given)) return false;
  return formatOfBase64(given) === undefined;
}

/** Padding shows base64. Several words are probably a text, and quotes and angle brackets JSON or markup. */
const notPath = /[\s\p{Cc}"<>]|=$|^[a-z][a-z0-9+.-]+:/iu;

const isShortWord = (given: string): boolean =>
  given !== '' && given.length < shortestBase64 && !notPath.test(given) && !looksLikeAddress(given);

/** Returns the format of a file from the beginning of its base64 or base64url. Ignores other characters. */
export function formatOfBase64(text: string): FileFormat | undefined {
  const digits = text
    .slice(0, 2 * formatBytes)
    .replace(/[^A-Za-z0-9+/_-]/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  // Browsers have no `Buffer`, and `atob` refuses a last character without a whole byte.
  const whole = digits.length % 4 === 1 ? digits.slice(0, -1) : digits;
  return fileFormat(Uint8Array.from(atob(whole), (character) => character.charCodeAt(0)));
}
