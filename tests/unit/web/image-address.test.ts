import { expect, test } from 'vitest';
import { imageOf, isStored, judgedBlindWords, missingImagesWords } from '../../../web/ui/image-address.ts';

test('the page loads an image from its address, or from the service if it has the bytes', () => {
  const address = 'https://example.org/1.jpg';
  expect(imageOf('b', { index: 3, image: address })).toBe(address);
  expect(imageOf('b', { index: 3, image: null })).toBeNull();
  expect(imageOf('b', { index: 3 })).toBeNull();
  const stored = imageOf('b', { index: 3, image: null, imageStored: true }) ?? '';
  expect(stored).toBe('v1/evaluation/batch/b/images/3');
  expect([stored, address].map(isStored)).toEqual([true, false]);
  expect(imageOf('b', { index: 3, image: address, error: { code: 'image.corrupt' } })).toBeNull();
  expect(imageOf('b', { index: 3, image: address, error: { code: 'image.fetch.timeout' } })).toBe(address);
});

test('a list says that images without an address cannot be shown', () => {
  const address = 'https://example.org/1.jpg';
  expect(missingImagesWords([])).toBeUndefined();
  expect(missingImagesWords([address, address])).toBeUndefined();
  expect(missingImagesWords([null, undefined])).toBe(
    'These images have no web address and were not sent as bytes, so the page cannot show them.',
  );
  expect(missingImagesWords([address, null])).toBe(
    'The page cannot show images that have no web address and were not sent as bytes.',
  );
});

test('before a sample is judged, the page says that its images cannot be shown, with the remedy', () => {
  const address = 'https://example.org/1.jpg';
  expect(judgedBlindWords([])).toBeUndefined();
  expect(judgedBlindWords([address, address])).toBeUndefined();
  expect(judgedBlindWords([null, undefined])).toMatch(
    /^The images of this batch have no web address .* vls batch, which sends local files/,
  );
  expect(judgedBlindWords([address, null])).toMatch(/^Some images of this batch have no web address/);
});
