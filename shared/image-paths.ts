/** The length from which base64 needs no known format. Only images of a few pixels are shorter. */
export const shortestBase64 = 200;

// Text that is not base64. A single pattern for the whole string would backtrack at every space.
const notBase64 = /[^A-Za-z0-9+/_\-\s=]|=\s*[^=\s]/;

/**
 * Returns true if a string may be bytes as base64 or base64url. White space is allowed. Short text of several words is
 * not base64, although it may have the same characters.
 */
export const mayBeBase64 = (text: string): boolean =>
  !notBase64.test(text) && (text.length >= shortestBase64 || !/\S \S/.test(text));

/** Returns true if an image source that cannot be read looks like the path of a local file. */
export function looksLikePath(source: string): boolean {
  const given = source.trim();
  // A long string is probably base64 with an invalid character.
  if (given === '' || given.length > 2_000) return false;
  if (given.includes('\\') || /^[a-z]:[\\/]/i.test(given) || /^(\.{0,2}|~)\//.test(given)) return true;
  return !looksLikeAddress(given) && /^[^\s:]+\.[a-z0-9]{2,5}$/i.test(given);
}

/** Returns true if an image source looks like a URL without `http://` or `https://` in front. */
export const looksLikeAddress = (source: string): boolean =>
  /^(www\.|([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?\/)/i.test(source.trim());

const imageEnding = /\.(jpe?g|jfif|png|webp|gif|avif|heif|heic|tiff?|bmp)$/i;

/** Returns true if a text ends like the name of an image file. */
export const hasImageEnding = (text: string): boolean => imageEnding.test(text.trim());

/** Returns true if a text is an image address, a data URI, or ends like the name of an image file. */
export const looksLikeImage = (text: string): boolean =>
  /^(https?:\/\/|data:image\/)/i.test(text.trim()) || hasImageEnding(text);

/** Returns true if a pair probably has its two values swapped: the text looks like an image, and the image does not. */
export const isSwapped = (image: string, text: string): boolean =>
  looksLikeImage(text) && !looksLikeImage(image) && !looksLikePath(image) && !isLongBase64(image);

const isLongBase64 = (text: string): boolean => text.length > shortestBase64 && mayBeBase64(text);
