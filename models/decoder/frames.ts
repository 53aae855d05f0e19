import type { Readable, Writable } from 'node:stream';

/**
 * A message between an encoder and a decoder. Node's structured clone would take 0.19 ms of the parent's time for 60
 * KB.
 */
export interface Frame {
  type: number;
  id: number;
  /** Two numbers whose meaning depends on the type. */
  first: number;
  second: number;
  body: Buffer;
}

/** The length of a header in bytes. Little-endian: body length, id, two numbers, type. */
const headBytes = 17;
const nothing = Buffer.alloc(0);

export function writeFrame(
  pipe: Writable,
  type: number,
  id: number,
  body: Uint8Array = nothing,
  [first, second]: readonly [number, number] = [0, 0],
): void {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(id, 4);
  head.writeUInt32LE(first, 8);
  head.writeUInt32LE(second, 12);
  head.writeUInt8(type, 16);
  if (body.length === 0) return void pipe.write(head);
  // One system call for header and body.
  pipe.cork();
  pipe.write(head);
  pipe.write(body);
  pipe.uncork();
}

/** `onFrame` may keep the body, because its memory is not reused. */
export function readFrames(pipe: Readable, onFrame: (frame: Frame) => void): void {
  const head = Buffer.alloc(headBytes);
  let headRead = 0;
  let body: Buffer | undefined;
  let bodyRead = 0;
  pipe.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      if (body === undefined) {
        const taken = chunk.copy(head, headRead, at);
        at += taken;
        headRead += taken;
        if (headRead < headBytes) return;
        const length = head.readUInt32LE(0);
        body = length === 0 ? nothing : Buffer.allocUnsafeSlow(length);
        bodyRead = 0;
      }
      const taken = chunk.copy(body, bodyRead, at);
      at += taken;
      bodyRead += taken;
      if (bodyRead < body.length) return;
      const frame = {
        type: head.readUInt8(16),
        id: head.readUInt32LE(4),
        first: head.readUInt32LE(8),
        second: head.readUInt32LE(12),
        body,
      };
      body = undefined;
      headRead = 0;
      onFrame(frame);
    }
  });
}
