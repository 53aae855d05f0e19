/** The output of a writer of results: text, or the bytes of a binary format. */
export type Bytes = string | Uint8Array;

/** Returns the bytes of a part of the output. Text is encoded as UTF-8. Bytes are not copied. */
export const toBuffer = (part: Bytes): Buffer =>
  typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.byteLength);

/** Joins parts of the output. The result is text if all parts are text, and bytes otherwise. */
export function joinBytes(parts: readonly Bytes[]): Bytes {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : Buffer.concat(parts.map(toBuffer));
}
