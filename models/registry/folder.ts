import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sizeOf } from '../files.ts';
import type { Precision } from '../model.ts';
import { precisions, towerFile } from './layouts.ts';

const clipConfig = z.object({
  projection_dim: z.int().positive(),
  text_config: z.object({ max_position_embeddings: z.int().positive() }),
  vision_config: z.object({ image_size: z.int().positive() }),
});
const triple = z.tuple([z.number(), z.number(), z.number()]);
const preprocessorConfig = z.object({ image_mean: triple, image_std: triple });

/** A model on disk, in the layout of a Hugging Face CLIP export. Paths are absolute. */
export interface ModelFolder {
  visionPath: string;
  textPath: string;
  tokenizerPath: string;
  tokenizerConfigPath: string;
  goldenPath: string | undefined;
  imageSize: number;
  mean: [number, number, number];
  std: [number, number, number];
  contextLength: number;
  dimensions: number;
}

/**
 * Reads what a model folder says of itself.
 * @throws {Error} naming the file that is absent or wrong.
 */
export async function readModelFolder(path: string): Promise<ModelFolder> {
  const config = await readJson(join(path, 'config.json'), clipConfig);
  const preprocessor = await readJson(join(path, 'preprocessor_config.json'), preprocessorConfig);
  const goldenPath = join(path, 'golden.json');
  return {
    visionPath: join(path, 'onnx', 'vision_model.onnx'),
    textPath: join(path, 'onnx', 'text_model.onnx'),
    tokenizerPath: join(path, 'tokenizer.json'),
    tokenizerConfigPath: join(path, 'tokenizer_config.json'),
    goldenPath: await access(goldenPath).then(
      () => goldenPath,
      () => undefined,
    ),
    imageSize: config.vision_config.image_size,
    mean: preprocessor.image_mean,
    std: preprocessor.image_std,
    contextLength: config.text_config.max_position_embeddings,
    dimensions: config.projection_dim,
  };
}

async function readJson<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
  const text = await readFile(path, 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The precisions of which a model's directory has both towers. */
export async function precisionsIn(directory: string): Promise<Precision[]> {
  const sizes = await Promise.all(
    precisions.map((precision) =>
      Promise.all((['vision', 'text'] as const).map((tower) => sizeOf(join(directory, towerFile(tower, precision))))),
    ),
  );
  return precisions.filter((_, at) => sizes[at]?.every((size) => size > 0));
}
