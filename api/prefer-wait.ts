const maxWaitSeconds = 60;

/** Matches a preference and its value, quoted or not, and skips its parameters (RFC 7240, section 2). */
const preference =
  /\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]*)))?((?:\s*;(?:[^,"]|"(?:[^"\\]|\\.)*")*)?)\s*(?:,|$)/y;

/**
 * Returns the seconds of the first `Prefer: wait=N`, at most 60. Returns 0 without it or when N is not a whole number.
 */
export function preferredWaitSeconds(header: string | undefined): number {
  if (header === undefined) return 0;
  for (let at = 0; at < header.length; at = preference.lastIndex) {
    preference.lastIndex = at;
    const match = preference.exec(header);
    // Skips an invalid preference up to the next comma.
    if (match === null) {
      const comma = header.indexOf(',', at);
      if (comma === -1) return 0;
      preference.lastIndex = comma + 1;
      continue;
    }
    const [, name = '', quoted, token] = match;
    if (name.toLowerCase() !== 'wait') continue;
    const value = (quoted ?? token ?? '').trim();
    return /^\d{1,9}$/.test(value) ? Math.min(maxWaitSeconds, Number(value)) : 0;
  }
  return 0;
}
