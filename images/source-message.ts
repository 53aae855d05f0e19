const path =
  'The image looks like a file path, and the service cannot read your files: send an http:// or https:// URL or the bytes, or use `vls batch`, which sends the files';

/** Returns the error message for a source that is neither a URL nor base64. */
export function describeSource(source: string): string {
  const given = source.trim();
  const neither = 'The image is neither an http(s) URL nor a data URI, and it is not base64';
  // A long string is probably base64 with an invalid character, not a path or a URL.
  if (given === '' || given.length > 2_000) return neither;
  if (given.includes('\\') || /^[a-z]:[\\/]/i.test(given) || /^(\.{0,2}|~)\//.test(given)) return path;
  if (/^(www\.|([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?\/)/i.test(given)) {
    return 'The image looks like a URL without http:// or https:// in front';
  }
  return /^[^\s:]+\.[a-z0-9]{2,5}$/i.test(given) ? path : neither;
}
