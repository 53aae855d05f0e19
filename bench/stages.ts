import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { preprocess } from '../models/evaluator/preprocess.ts';
import { loadTokenizer } from '../models/evaluator/tokenizer.ts';
import { loadTowers } from '../models/evaluator/towers.ts';
import { loadRegistry } from '../models/registry/registry.ts';
import { readConfig } from '../shared/config.ts';

/** The three stages of a pair, bare; each call does one piece of work and says for how many pairs. */
export async function createTowerBench(model: string | undefined) {
  const { spec } = await (await loadRegistry(readConfig())).resolve(model);
  const towers = await loadTowers(spec, 1);
  const tokenizer = await loadTokenizer(spec.tokenizerPath, spec.tokenizerConfigPath, spec.contextLength);
  const photo = readFileSync(new URL('../examples/photos/coffee.jpg', import.meta.url));
  const picture = await sharp(photo).resize(640, 480, { fit: 'cover' }).jpeg({ quality: 85 }).toBuffer();
  const options = { size: spec.imageSize, mean: spec.mean, std: spec.std, maxPixels: 50_000_000 };
  const pixels = await preprocess(picture, options);
  const { images, texts } = spec.microBatch;
  let number = 0;
  const ids = () => tokenizer.encode(`a photo of thing number ${number++} on a table`).ids;
  return {
    /** Two at a time, as an evaluator does. */
    decode: async () => {
      await Promise.all([preprocess(picture, options), preprocess(picture, options)]);
      return 2;
    },
    vision: async () => {
      await towers.images(Array.from({ length: images }, () => pixels));
      return images;
    },
    text: async () => {
      await towers.texts(Array.from({ length: texts }, ids));
      return texts;
    },
    /** A single pair, one after the other: what a request cannot be faster than. */
    pair: async () => {
      await towers.images([await preprocess(picture, options)]);
      await towers.texts([ids()]);
      return 1;
    },
  };
}
