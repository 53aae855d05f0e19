const path =
  'The image looks like the path of a file, and the service does not see your files: send an address with http:// or https://, or its bytes';

/** What a source that is neither an address nor base64 looks like, and what to send in its place. */
export function describeSource(source: string): string {
  const given = source.trim();
  const neither = 'The image is neither an http(s) URL nor a data URI, and it is not base64';
  // A long one is base64 with a wrong character.
  if (given === '' || given.length > 2_000) return neither;
  if (given.includes('\\') || /^[a-z]:[\\/]/i.test(given) || /^(\.{0,2}|~)\//.test(given)) return path;
  if (/^(www\.|([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?\/)/i.test(given)) {
    return 'The image looks like an address without http:// or https:// before it';
  }
  return /^[^\s:]+\.[a-z0-9]{2,5}$/i.test(given) ? path : neither;
}
