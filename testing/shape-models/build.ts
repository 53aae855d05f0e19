import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel } from '../onnx/write.ts';
import { type ClipShape, textTower, tiny, visionTower, vitB32, vitL14 } from './clip.ts';
import type { Precision } from './graph.ts';

/** Shape models have random weights and the size of a real CLIP model. */
export const shapeModels = {
  tiny: { shape: tiny, precisions: ['fp32'] },
  'vit-b-32': { shape: vitB32, precisions: ['fp32', 'fp16', 'int8'] },
  'vit-l-14': { shape: vitL14, precisions: ['fp32', 'fp16'] },
} as const satisfies Record<string, { shape: ClipShape; precisions: readonly Precision[] }>;
export type ShapeModelName = keyof typeof shapeModels;

const writers = ['./', '../onnx/'].map((folder) => new URL(folder, import.meta.url));
const tokenizerFolder = new URL('../../tests/golden/clip/tiny-clip/', import.meta.url);
const suffixes: Record<Precision, string> = { fp32: '', fp16: '_fp16', int8: '_quantized' };

/**
 * Returns the folder of all shape models, as Hugging Face CLIP exports. Builds it if it is missing. Its name has the
 * hash of this script, so a changed script builds another.
 * @param cache the parent directory, which is created if necessary.
 */
export function ensureShapeModels(cache: string): string {
  const folder = join(cache, `shape-models-${versionOfScript()}`);
  if (existsSync(folder)) return folder;
  // If another process builds the same folder, the first to finish renames its copy, and the other deletes its own.
  const partial = `${folder}.${process.pid}.partial`;
  for (const [name, { shape, precisions }] of Object.entries(shapeModels)) {
    buildShapeModel(join(partial, name), shape, precisions);
  }
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Writes a model folder: image and text encoder in each precision, with OpenAI CLIP's tokenizer and preprocessing. */
export function buildShapeModel(folder: string, shape: ClipShape, precisions: readonly Precision[]): void {
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  for (const precision of precisions) {
    for (const [tower, graph] of [
      ['vision', visionTower(shape, precision)],
      ['text', textTower(shape, precision)],
    ] as const) {
      writeFileSync(join(folder, 'onnx', `${tower}_model${suffixes[precision]}.onnx`), encodeModel(graph));
    }
  }
  for (const file of ['preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json']) {
    cpSync(new URL(file, tokenizerFolder), join(folder, file));
  }
  const config = {
    model_type: 'clip',
    projection_dim: shape.dimensions,
    text_config: { max_position_embeddings: shape.text.contextLength },
    vision_config: { image_size: shape.vision.imageSize, patch_size: shape.vision.patchSize },
  };
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

function versionOfScript(): string {
  const hash = createHash('sha256');
  for (const folder of writers) {
    for (const file of readdirSync(folder).sort()) hash.update(readFileSync(new URL(file, folder)));
  }
  return hash.digest('hex').slice(0, 12);
}
