/** Output of a result writer: text, or the bytes of a binary format. */
export type Bytes = string | Uint8Array;

/** Converts a piece of output to bytes. Text is encoded as UTF-8. Bytes are not copied. */
export const toBuffer = (part: Bytes): Buffer =>
  typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.byteLength);

/** Joins pieces of output. The result is text if all pieces are text, and bytes otherwise. */
export function joinBytes(parts: readonly Bytes[]): Bytes {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : Buffer.concat(parts.map(toBuffer));
}
