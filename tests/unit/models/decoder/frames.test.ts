import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, readFrames, writeFrame } from '../../../../models/decoder/frames.ts';

test('frames arrive as they were sent, however the pipe cuts them', () => {
  const frame = fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    first: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    second: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.array(frame), fc.integer({ min: 1, max: 50 }), (frames, cut) => {
      const sent: Buffer[] = [];
      const writer = new PassThrough();
      writer.on('data', (chunk: Buffer) => sent.push(chunk));
      for (const { type, id, first, second, body } of frames) writeFrame(writer, type, id, body, [first, second]);
      const bytes = Buffer.concat(sent);
      const reader = new PassThrough();
      const received: Frame[] = [];
      readFrames(reader, (one) => received.push(one));
      for (let at = 0; at < bytes.length; at += cut) reader.emit('data', bytes.subarray(at, at + cut));
      expect(received).toEqual(frames);
    }),
  );
});
