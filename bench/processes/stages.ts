import { loadTowers } from '../../models/encoder/towers.ts';
import { crop } from '../../models/pixels/preprocess.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { loadTokenizer } from '../../models/texts/tokenizer.ts';
import { readConfig } from '../../shared/config.ts';
import { benchPictures } from '../../testing/images/resized.ts';

export const stageNames = ['decode', 'vision', 'text', 'pair'] as const;
export type StageName = (typeof stageNames)[number];

/** The stages of a pair, bare; each call does one piece of work and says for how many pairs. */
export type Stages = Record<StageName, () => Promise<number>>;

export async function createStages(model: string): Promise<Stages> {
  const { spec } = await (await loadRegistry(readConfig())).resolve(model);
  const towers = await loadTowers(spec, 1);
  const tokenizer = await loadTokenizer(spec);
  const pictures = await benchPictures();
  const options = { recipe: spec.image, maxPixels: 50_000_000 };
  let number = 0;
  const decode = () => crop(pictures[number++ % pictures.length] ?? Buffer.alloc(0), options);
  const pixels = await decode();
  const ids = () => tokenizer.encode(`a photo of thing number ${number++} on a table`).ids;
  const { images, texts } = spec.microBatch;
  return {
    /** Two at a time, as an encoder does. */
    decode: async () => (await Promise.all([decode(), decode()])).length,
    vision: async () => (await towers.images(Array.from({ length: images }, () => pixels))).length,
    text: async () => (await towers.texts(Array.from({ length: texts }, ids))).length,
    /** A single pair, one after the other: what a request cannot be faster than. */
    pair: async () => {
      await towers.images([await decode()]);
      await towers.texts([ids()]);
      return 1;
    },
  };
}
