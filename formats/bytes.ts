export type Bytes = string | Uint8Array;

/** Converts output to bytes, text as UTF-8. Bytes are not copied. */
export const toBuffer = (part: Bytes): Buffer =>
  typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.byteLength);

/** Joins output: into text if all of it is text, into bytes otherwise. */
export function joinBytes(parts: readonly Bytes[]): Bytes {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : Buffer.concat(parts.map(toBuffer));
}
