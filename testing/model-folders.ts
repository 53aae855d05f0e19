import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelSpec } from '../models/model.ts';
import { readModelFolder } from '../models/registry/folder.ts';

const golden = new URL('../tests/golden/clip/', import.meta.url);

/** A CLIP model with random weights, small enough to load quickly. */
export const tinyClipFolder = fileURLToPath(new URL('tiny-clip', golden));
export const compactFolder = fileURLToPath(new URL('../models/compact', import.meta.url));

export const clipPixels = { size: 224, resize: 'crop', filter: 'bicubic', rgb: 'after-resize' } as const;

/**
 * The embeddings and cosines that OpenCLIP computes for the golden images and texts with tiny-clip, whose README
 * describes them.
 */
export interface GoldenClip {
  images: { file: string; crop_mean: [number, number, number]; embedding: number[] }[];
  texts: { text: string; input_ids: number[]; embedding: number[] }[];
  /** One row for each image, one column for each text. */
  cosine: number[][];
}

export const goldenClip = JSON.parse(readFileSync(new URL('expected.json', golden), 'utf8')) as GoldenClip;

export const goldenImage = (file: string): Buffer => readFileSync(new URL(`images/${file}`, golden));

export async function specOf(folder: string, more: Partial<ModelSpec> = {}): Promise<ModelSpec> {
  return {
    model: 'tested',
    revision: '1',
    precision: 'fp32',
    provider: 'cpu',
    choice: 'of the test',
    preprocess: 'exact',
    microBatch: { images: 8, texts: 16 },
    memoryBytes: 100_000_000,
    ...(await readModelFolder(folder)),
    ...more,
  };
}
