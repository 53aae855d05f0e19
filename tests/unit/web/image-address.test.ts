import { expect, test } from 'vitest';
import { missingImagesWords } from '../../../web/ui/image-address.ts';

test('a list says that images without an address cannot be shown', () => {
  const address = 'https://example.org/1.jpg';
  expect(missingImagesWords([])).toBeUndefined();
  expect(missingImagesWords([address, address])).toBeUndefined();
  expect(missingImagesWords([null, undefined])).toBe('These images have no web address, so the page cannot show them.');
  expect(missingImagesWords([address, null])).toBe('The page cannot show images without a web address.');
});
