import { expect, test } from 'vitest';
import { asStored } from '../../../../models/pixels/heif.ts';

function box(type: string, ...content: Uint8Array[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + content.reduce((sum, { length }) => sum + length, 0));
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...content]);
}
const versionAndFlags = Buffer.alloc(4);
const container = (brand: string, ...properties: Uint8Array[]) =>
  Buffer.concat([
    box('ftyp', Buffer.from(`${brand}\0\0\0\0`, 'latin1')),
    box('meta', versionAndFlags, box('iprp', box('ipco', ...properties))),
    box('mdat', Buffer.from('irot imir clap')),
  ]);

test('rotation, mirroring and cropping become a rotation by 0, each in its place', () => {
  const size = box('ispe', Buffer.alloc(12, 1));
  const bytes = container(
    'avif',
    size,
    box('irot', Buffer.of(3)),
    box('imir', Buffer.of(1)),
    box('clap', Buffer.alloc(32, 9)),
  );
  const expected = container(
    'avif',
    size,
    box('irot', Buffer.of(0)),
    box('irot', Buffer.of(0)),
    box('irot', Buffer.alloc(32)),
  );
  const before = Buffer.from(bytes);
  expect(Buffer.from(asStored(bytes))).toEqual(expected);
  expect(bytes).toEqual(before);
});

test('a sequence is marked as a still image', () => {
  expect(Buffer.from(asStored(container('avis')))).toEqual(container('avif'));
});

test('bytes without such properties stay the same object', () => {
  const bytes = container('avif', box('ispe', Buffer.alloc(12)));
  expect(asStored(bytes)).toBe(bytes);
});

test.each([
  ['longer than the file', (bytes: Buffer) => bytes.writeUInt32BE(0xffffffff, 16)],
  ['shorter than its header', (bytes: Buffer) => bytes.writeUInt32BE(3, 16)],
])('a box that says it is %s ends the search', (_what, damage) => {
  const bytes = container('avif', box('irot', Buffer.of(3)));
  damage(bytes);
  expect(asStored(bytes)).toBe(bytes);
});
