import { expect, test } from 'vitest';
import { formatOfBase64, isPath } from '../../../shared/path-source.ts';

/** Whole images of 1x1 pixels. */
const gif = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const webp = 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA';
const hash = 'd41d8cd98f00b204e9800998ecf8427e';

test.each([
  'photos/set',
  ' photos/set\n',
  'photos\\set',
  'photos/été',
  'photos/_DSC-0001',
  'photos/none.jpg',
  '/photos/set',
  '..',
  '0001',
  'cat',
  hash,
  hash.toUpperCase(),
  '0'.repeat(199),
])('%j is a path: it can be nothing else', (source) => {
  expect(isPath(source)).toBe(true);
});

test.each([
  '',
  '  ',
  gif,
  ` ${gif}\n`,
  png,
  png.replace('==', ''),
  webp,
  // base64url
  '_9j_4AAQ',
  'aGVsbG8=',
  'https://example.org/cat',
  'HTTP://example.org/cat',
  'ftp://example.org/cat',
  's3://bucket/cat',
  'localhost:9000/cat',
  'data:image/png;base64,AAAA',
  'www.example.com/cat',
  'example.org/cat',
  'a red bicycle',
  'a black/white cat',
  'photos/my dog',
  'photos\tset',
  '{"url":"photos/set"}',
  '<b>cat</b>',
  'a\0b',
  '0'.repeat(200),
])('%j is not a path', (source) => {
  expect(isPath(source)).toBe(false);
});

test.each([
  [gif, 'GIF'],
  [webp, 'WebP'],
  [png, 'PNG'],
  [png.replace(/.{20}/g, '$&\r\n'), 'PNG'],
  ['_9j_4AAQ', 'JPEG'],
  ['', undefined],
  ['A', undefined],
  ['photos/set', undefined],
])('the format of the base64 %j is %s', (text, name) => {
  expect(formatOfBase64(text)?.name).toBe(name);
});
