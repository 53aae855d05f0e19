import { expect, test } from 'vitest';
import { judgedBlindWords, missingImagesWords } from '../../../web/ui/image-address.ts';

test('a list says that images without an address cannot be shown', () => {
  const address = 'https://example.org/1.jpg';
  expect(missingImagesWords([])).toBeUndefined();
  expect(missingImagesWords([address, address])).toBeUndefined();
  expect(missingImagesWords([null, undefined])).toBe('These images have no web address, so the page cannot show them.');
  expect(missingImagesWords([address, null])).toBe('The page cannot show images without a web address.');
});

test('before a sample is judged, the page says that its images cannot be shown, with the remedy', () => {
  const address = 'https://example.org/1.jpg';
  expect(judgedBlindWords([])).toBeUndefined();
  expect(judgedBlindWords([address, address])).toBeUndefined();
  expect(judgedBlindWords([null, undefined])).toMatch(
    /^The images of this batch have no web address, .*IMAGE_HOSTS_ALLOW/,
  );
  expect(judgedBlindWords([address, null])).toMatch(/^Some images of this batch have no web address/);
});
