import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A built-in image. `image` is its name in files of golden values. */
export interface ParityImage {
  image: string;
  bytes: Buffer;
}

/** None of the images is square, so a crop and a resize to a square give different pixels. */
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
 * The texts reveal differences in cleaning (case, punctuation, entities, white space) and padding. One exceeds the
 * limit of every model.
 */
export const parityTexts: readonly string[] = [
  'a cat',
  'A photo of a Cat, looking at the camera!',
  'a rocket on a launch pad at night',
  'Tom &amp; Jerry:  "fast_food"\n(second line)',
  'ein Café am Fluß, 北京的咖啡馆',
  `${'a very long caption, '.repeat(40)}that ends here`,
];
