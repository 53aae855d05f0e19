import { crc32 } from 'node:zlib';

/** Returns the name of the first PNG chunk with a wrong checksum; undefined when there is none. */
export function damagedChunk(bytes: Uint8Array): string | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  while (at + 12 <= view.length) {
    const end = at + 8 + view.readUInt32BE(at);
    if (end + 4 > view.length) return undefined;
    if (crc32(view.subarray(at + 4, end)) !== view.readUInt32BE(end)) return view.toString('latin1', at + 4, at + 8);
    at = end + 4;
  }
  return undefined;
}
