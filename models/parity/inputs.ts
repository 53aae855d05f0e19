import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A built-in image, with the name that files of golden values use for it. */
export interface ParityImage {
  image: string;
  bytes: Buffer;
}

/**
 * The built-in images: two photos from the golden values of the model `compact`, and an image with transparency. None
 * is square, so that a crop gives other pixels than a resize to a square.
 */
const files = {
  'golden/chelsea.jpg': new URL('../compact/golden/chelsea.jpg', import.meta.url),
  'golden/rocket.jpg': new URL('../compact/golden/rocket.jpg', import.meta.url),
  'golden/gradient.png': new URL('./images/gradient.png', import.meta.url),
};

export const parityImages = async (): Promise<ParityImage[]> =>
  await Promise.all(
    Object.entries(files).map(async ([image, url]) => ({ image, bytes: await readFile(fileURLToPath(url)) })),
  );

/**
 * The built-in texts. They reveal differences in the cleaning of texts (case, punctuation, entities, white space) and
 * in padding (different lengths). One of them is longer than the limit of every model.
 */
export const parityTexts: readonly string[] = [
  'a cat',
  'A photo of a Cat, looking at the camera!',
  'a rocket on a launch pad at night',
  'Tom &amp; Jerry:  "fast_food"\n(second line)',
  'ein Café am Fluß, 北京的咖啡馆',
  `${'a very long caption, '.repeat(40)}that ends here`,
];
