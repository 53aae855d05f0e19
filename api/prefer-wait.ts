/** Longest wait that a client may ask for, in seconds. */
const maxWaitSeconds = 60;

/** A preference with its value, quoted or not, and the parameters after it, which are skipped (RFC 7240, section 2). */
const preference =
  /\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]*)))?((?:\s*;(?:[^,"]|"(?:[^"\\]|\\.)*")*)?)\s*(?:,|$)/y;

/**
 * The seconds of `Prefer: wait=N`, at most 60; 0 without a wait that is a whole number. The first one counts, as the RFC
 * says.
 */
export function preferredWaitSeconds(header: string | undefined): number {
  if (header === undefined) return 0;
  for (let at = 0; at < header.length; at = preference.lastIndex) {
    preference.lastIndex = at;
    const match = preference.exec(header);
    // After a part that is not a preference, the next one begins behind its comma.
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
