import { loadTowers } from '../../models/encoder/towers.ts';
import { crop } from '../../models/pixels/preprocess.ts';
import { loadRegistry } from '../../models/registry/registry.ts';
import { loadTokenizer } from '../../models/texts/tokenizer.ts';
import { readConfig } from '../../shared/config.ts';
import { benchPhotos } from '../../testing/images/resized.ts';
import { median } from '../../testing/statistics.ts';

export type StageName = 'decode' | 'vision' | 'text' | 'pair';

export interface StageRequest {
  stage: StageName;
  seconds: number;
}

/**
 * The speed of a process that runs a stage (decoding, vision model or text model) while other processes run the same
 * one.
 */
export interface StageSpeed {
  perSecond: number;
  /** The CPU time in ms that a pair takes, summed over all threads. */
  cpuMs: number;
  /** The median duration of one call of the stage, in ms. */
  medianMs: number;
}

/** Returns a function for each stage. A call processes an image or a micro-batch, and returns its number of pairs. */
async function createStages(model: string): Promise<Record<StageName, () => Promise<number>>> {
  const { spec } = await (await loadRegistry(readConfig())).resolve(model);
  const towers = await loadTowers(spec, 1);
  const tokenizer = await loadTokenizer(spec);
  const photos = await benchPhotos();
  const options = { recipe: spec.image, maxPixels: 50_000_000 };
  let number = 0;
  const decode = () => crop(photos[number++ % photos.length] ?? Buffer.alloc(0), options);
  const pixels = await decode();
  const ids = () => tokenizer.encode(`a photo of thing number ${number++} on a table`).ids;
  const { images, texts } = spec.microBatch;
  return {
    /** Decodes two images at a time, as an encoder does. */
    decode: async () => (await Promise.all([decode(), decode()])).length,
    vision: async () => (await towers.images(Array.from({ length: images }, () => pixels))).length,
    text: async () => (await towers.texts(Array.from({ length: texts }, ids))).length,
    /** Runs all stages of one pair, the minimum time of a single request. */
    pair: async () => {
      await towers.images([await decode()]);
      await towers.texts([ids()]);
      return 1;
    },
  };
}

/** The entry point of a process that runs one stage: `node bench/measure/stage.ts MODEL`. */
const stages = await createStages(process.argv[2] ?? '');

process.on('message', async ({ stage, seconds }: StageRequest) => {
  const step = stages[stage];
  // The first two runs allocate memory and are not measured.
  for (let run = 0; run < 2; run++) await step();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const times: number[] = [];
  let pairs = 0;
  while (performance.now() < start + seconds * 1000) {
    const begin = performance.now();
    pairs += await step();
    times.push(performance.now() - begin);
  }
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = (pairs / (performance.now() - start)) * 1000;
  process.send?.({ perSecond, cpuMs: (user + system) / 1000 / pairs, medianMs: median(times) } satisfies StageSpeed);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
