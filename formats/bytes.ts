/** Output of a writer: text, or bytes of a binary format. */
export type Bytes = string | Uint8Array;

/** Returns the bytes of a part, text as UTF-8; bytes are not copied. */
export const toBuffer = (part: Bytes): Buffer =>
  typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.byteLength);

/** Joins parts into one. Parts of text become one text. */
export function joinBytes(parts: readonly Bytes[]): Bytes {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : Buffer.concat(parts.map(toBuffer));
}
