import { cosineOf } from '../encoder/golden-file.ts';
import type { ModelSpec } from '../model.ts';
import { type Drift, driftOf } from '../quantization/drift.ts';
import { parityImages, parityTexts } from './inputs.ts';
import { startMeasuring } from './measure.ts';

/** Captions of typical photos. A few match the built-in images. */
const captions = [
  'a photo of a cat',
  'a tabby cat with green eyes, close up',
  'a dog running on a beach',
  'a rocket at lift-off',
  'smoke and fire below a spacecraft',
  'a colour gradient',
  'an abstract pattern of green and red',
  'a bowl of fruit on a wooden table',
  'two people riding bicycles through a city',
  'a snowy mountain under a blue sky',
  'the front page of a newspaper',
  'a red sports car',
  'a crowded train station',
  'a hand-drawn map of an island',
  'an empty room',
  'a child with an umbrella',
  'a screenshot of a spreadsheet',
  'a bird on a branch',
];

export type MeasuredDrift = Drift & { images: number; texts: number };

/**
 * Compares the cosines of a model at two precisions on the built-in images and texts.
 * @param reference the model at the precision that is regarded as correct.
 * @param threshold for {@link Drift.changedSides}. Default: the median cosine of the reference.
 * @throws {Error} when the model cannot be loaded or does not run.
 */
export async function measureDrift(reference: ModelSpec, other: ModelSpec, threshold?: number): Promise<MeasuredDrift> {
  const inputs = await parityImages();
  const texts = [...parityTexts, ...captions];
  const images = new Map(inputs.map(({ image, bytes }) => [image, bytes]));
  const cosinesOf = async (spec: ModelSpec): Promise<number[]> => {
    const measuring = await startMeasuring(spec, images, texts);
    const [left, right] = [await measuring.images(spec.image), await measuring.texts(spec.text)];
    return inputs.flatMap(({ image }) =>
      texts.map((text) => cosineOf(left.of(image)[0] ?? [], right.of(text)[0] ?? [])),
    );
  };
  const drift = driftOf(await cosinesOf(reference), await cosinesOf(other), threshold);
  return { ...drift, images: inputs.length, texts: texts.length };
}
