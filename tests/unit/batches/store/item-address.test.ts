import { expect, test } from 'vitest';
import {
  addressOf,
  hasStoredImage,
  inlineOf,
  isServedFile,
  pathOf,
  withoutBytes,
} from '../../../../batches/store/item-address.ts';
import type { ImageSource } from '../../../../shared/contracts/item.ts';

const base64 = Buffer.from('GIF89a and so on').toString('base64');
/** A PNG whose base64url has `-` and `_`. */
const base64url = Buffer.from([
  0x89,
  0x50,
  0x4e,
  0x47,
  0x0d,
  0x0a,
  0x1a,
  0x0a,
  ...Array(90).fill([0xfb, 0xff]).flat(),
]).toString('base64url');
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(300, 7)]).toString('base64');

test.each<[ImageSource, string | null, string | undefined]>([
  ['https://example.org/a.jpg', 'https://example.org/a.jpg', undefined],
  [{ url: 'HTTPS://example.org/a.jpg' }, 'HTTPS://example.org/a.jpg', undefined],
  [{ base64, path: 'photos/a.jpg' }, null, 'photos/a.jpg'],
  [{ base64 }, null, undefined],
  [base64, null, undefined],
  [base64url, null, undefined],
  [jpeg, null, undefined],
  [jpeg.slice(0, 40), null, undefined],
  [(jpeg.match(/.{1,76}/g) ?? []).join('\r\n'), null, undefined],
  [`data:image/jpeg;base64,${base64}`, null, undefined],
  [{ file: 'photos/a.jpg' }, null, 'photos/a.jpg'],
  ['photos/a.jpg', null, 'photos/a.jpg'],
  ['/photos/cat', null, '/photos/cat'],
  [' ~/photos/cat', null, ' ~/photos/cat'],
  ['photos/cat', null, 'photos/cat'],
  ['d41d8cd98f00b204e9800998ecf8427e', null, 'd41d8cd98f00b204e9800998ecf8427e'],
  ['17', null, undefined],
  ['a red bicycle', null, 'a red bicycle'],
  [`${'a/'.repeat(1_100)}.jpg`, null, undefined],
])('of the source %j, responses show an address or a path, never the bytes', (image, address, path) => {
  const item = { image, text: 'a text' };
  expect(addressOf(item)).toBe(address);
  expect(pathOf(item)).toBe(path);
  expect(isServedFile(item)).toBe(typeof image === 'object' && 'file' in image);
});

test('a row that the client could not read shows the path of its image, and no address', () => {
  const item = {
    image: 'photos/gone.jpg',
    error: { code: 'image.file.not_found', message: 'gone', retryable: false },
  } as const;
  expect(addressOf(item as never)).toBe(null);
  expect(pathOf(item as never)).toBe('photos/gone.jpg');
  expect(isServedFile(item as never)).toBe(false);
});

const html = Buffer.from('<html><script>alert(1)</script></html>'.padEnd(300)).toString('base64');
const svg = `data:image/svg+xml;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64')}`;

test.each<[ImageSource, boolean]>([
  [jpeg, true],
  [base64url, true],
  [` ${jpeg}`, true],
  [{ base64: jpeg }, true],
  [{ base64: jpeg, path: 'photos/a.jpg' }, true],
  [`data:image/jpeg;base64,${jpeg}`, true],
  [{ base64: `data:;base64,${jpeg}` }, true],
  [`data:image/jpeg;base64,${encodeURIComponent(jpeg)}`, true],
  [(jpeg.match(/.{1,76}/g) ?? []).join('\r\n'), true],
  [`data:image/jpeg,${jpeg}`, false],
  [html, false],
  [svg, false],
  ['', false],
  ['17', false],
  ['photos/cat', false],
  ['photos/a.jpg', false],
  ['https://example.org/a.jpg', false],
  [{ url: 'https://example.org/a.jpg' }, false],
  [{ file: 'photos/a.jpg' }, false],
])('of the source %j, the bytes of an image are stored: %s', (image, isStored) => {
  expect(hasStoredImage({ image, text: 'a text' })).toBe(isStored);
  if (isStored) expect(inlineOf({ image, text: 'a text' })).toBeDefined();
});

const large = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(3_000, 7)]).toString('base64');

test.each<ImageSource>([
  large,
  base64url,
  `data:image/jpeg;base64,${large}`,
  `data:image/jpeg;base64,${encodeURIComponent(large)}`,
  { base64: large, path: 'photos/a.jpg' },
  'https://example.org/a.jpg',
  { file: 'photos/a.jpg' },
  '17',
])('without its bytes, the source %j shows the same in results', (image) => {
  const item = { image, text: 'a text' };
  const short = withoutBytes(item);
  expect(JSON.stringify(short).length).toBeLessThan(500);
  const shown = [hasStoredImage, addressOf, pathOf];
  expect(shown.map((read) => read(short))).toEqual(shown.map((read) => read(item)));
});

test('an item that could not be read has no stored image', () => {
  const error = { code: 'text.too_long', message: 'long', retryable: false } as const;
  expect(hasStoredImage({ image: jpeg, error })).toBe(false);
});
