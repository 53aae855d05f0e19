import { expect, test } from 'vitest';
import { addressOf, pathOf } from '../../../../batches/store/item-address.ts';
import type { ImageSource } from '../../../../shared/contracts/item.ts';

const base64 = Buffer.from('the bytes of an image').toString('base64');

test.each<[ImageSource, string | null, string | undefined]>([
  ['https://example.org/a.jpg', 'https://example.org/a.jpg', undefined],
  [{ url: 'HTTPS://example.org/a.jpg' }, 'HTTPS://example.org/a.jpg', undefined],
  [{ base64, path: 'photos/a.jpg' }, null, 'photos/a.jpg'],
  [{ base64 }, null, undefined],
  [base64, null, undefined],
  [`data:image/jpeg;base64,${base64}`, null, undefined],
  [{ file: 'photos/a.jpg' }, null, 'photos/a.jpg'],
  ['photos/a.jpg', null, 'photos/a.jpg'],
  [`${'a/'.repeat(1_100)}.jpg`, null, undefined],
])('of the source %j, responses show an address or a path, never the bytes', (image, address, path) => {
  const item = { image, text: 'a text' };
  expect(addressOf(item)).toBe(address);
  expect(pathOf(item)).toBe(path);
});

test('a row that the client could not read shows the path of its image, and no address', () => {
  const item = {
    image: 'photos/gone.jpg',
    error: { code: 'image.file.not_found', message: 'gone', retryable: false },
  } as const;
  expect(addressOf(item as never)).toBe(null);
  expect(pathOf(item as never)).toBe('photos/gone.jpg');
});
