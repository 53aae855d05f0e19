import { cosineOf } from '../encoder/golden-file.ts';
import type { ModelSpec } from '../model.ts';
import { parityImages, parityTexts } from './inputs.ts';
import { startMeasuring } from './measure.ts';

export interface Cosines {
  images: string[];
  texts: readonly string[];
  /** One row for each image and one column for each text. */
  cosines: number[][];
}

/** @throws {Error} when the model cannot be loaded or does not run. */
export async function cosinesOf(spec: ModelSpec): Promise<Cosines> {
  const inputs = await parityImages();
  const measuring = await startMeasuring(spec, new Map(inputs.map(({ image, bytes }) => [image, bytes])), parityTexts);
  const images = await measuring.images(spec.image);
  const texts = await measuring.texts(spec.text);
  return {
    images: inputs.map(({ image }) => image),
    texts: parityTexts,
    cosines: inputs.map(({ image }) =>
      parityTexts.map((text) => cosineOf(first(images.of(image)), first(texts.of(text)))),
    ),
  };
}

const first = ([embedding = new Float32Array()]: readonly Float32Array[]): Float32Array => embedding;
