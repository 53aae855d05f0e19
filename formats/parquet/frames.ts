import type { Readable } from 'node:stream';

/**
 * The types of frames, the messages from the child process to its parent. `bytes` are bytes of a copied file. `end` is
 * empty and comes last.
 */
export const frameTypes = { header: 1, items: 2, error: 3, end: 4, bytes: 5 } as const;

/** The maximum size of a frame in bytes. It fits an item of maximum length in which JSON escapes every character. */
const maxFrameBytes = 256 * 1024 * 1024;
const prefixBytes = 5;

export interface Frame {
  type: number;
  body: Buffer;
}

export function frameOf(type: number, body: Buffer): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt8(type, 0);
  prefix.writeUInt32LE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/**
 * Yields frames as their bytes arrive.
 * @param onHeld called with the number of bytes in memory for an incomplete frame.
 */
export async function* framesIn(
  source: Readable,
  onHeld: (bytes: number) => Promise<void> | undefined,
): AsyncGenerator<Frame> {
  let parts: Buffer[] = [];
  let held = 0;
  let wanted = prefixBytes;
  for await (const part of source as AsyncIterable<Buffer>) {
    parts.push(part);
    held += part.length;
    if (held < wanted) {
      await onHeld(held);
      continue;
    }
    let bytes = Buffer.concat(parts);
    for (;;) {
      if (bytes.length < prefixBytes) {
        wanted = prefixBytes;
        break;
      }
      const length = bytes.readUInt32LE(1);
      if (length > maxFrameBytes) throw new Error(`A frame has ${length} bytes`);
      wanted = prefixBytes + length;
      if (bytes.length < wanted) break;
      yield { type: bytes.readUInt8(0), body: bytes.subarray(prefixBytes, wanted) };
      bytes = bytes.subarray(wanted);
    }
    parts = [bytes];
    held = bytes.length;
    await onHeld(held);
  }
}
