/** Returns true if an image source looks like the path of a local file. */
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
