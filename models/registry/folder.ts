import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sizeOf } from '../files.ts';
import { type Precision, type TextCleaning, textCleanings } from '../model.ts';
import { precisions, towerFile } from './layouts.ts';

// The defaults are those of transformers, which leaves out of a saved file whatever equals them.
const clipConfig = z.object({
  model_type: z.enum(['clip', 'compact'], 'this family of models is not supported').optional(),
  projection_dim: z.int().positive().default(512),
  text_config: z.object({ max_position_embeddings: z.int().positive().default(77) }).prefault({}),
  vision_config: z.object({ image_size: z.int().positive().default(224) }).prefault({}),
});
const triple = z.tuple([z.number(), z.number(), z.number()]);
const side = z.int().positive();
const square = z.object({ height: side, width: side }).refine(({ height, width }) => height === width, 'not a square');
const bicubic = 3;
/** Steps that are not built in are refused: they would score other images than the model was trained with. */
const preprocessorConfig = z.object({
  image_mean: triple.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: triple.default([0.26862954, 0.26130258, 0.27577711]),
  size: z.union([side, z.object({ shortest_edge: side })]).optional(),
  crop_size: z.union([side, square]).optional(),
  resample: z.literal(bicubic, 'only bicubic (3) is built in').optional(),
  do_resize: z.literal(true, 'only true is built in').optional(),
  do_center_crop: z.literal(true, 'only true is built in').optional(),
  do_rescale: z.literal(true, 'only true is built in').optional(),
  rescale_factor: z
    .number()
    .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, 'only 1/255 is built in')
    .optional(),
  do_normalize: z.boolean().default(true),
});

/** A model on disk, in the layout of a Hugging Face CLIP export. Paths are absolute. */
export interface ModelFolder {
  visionPath: string;
  textPath: string;
  tokenizerPath: string;
  tokenizerConfigPath: string;
  textCleaning: TextCleaning;
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
  const preprocessorPath = join(path, 'preprocessor_config.json');
  const preprocessor = await readJson(preprocessorPath, preprocessorConfig);
  const imageSize = config.vision_config.image_size;
  for (const [field, value] of Object.entries({ size: preprocessor.size, crop_size: preprocessor.crop_size })) {
    const length = typeof value !== 'object' ? value : 'height' in value ? value.height : value.shortest_edge;
    if (length === undefined || length === imageSize) continue;
    throw new Error(`${preprocessorPath}: ${field} is ${length}, and the model reads ${imageSize} x ${imageSize}`);
  }
  const tokenizerPath = join(path, 'tokenizer.json');
  const goldenPath = join(path, 'golden.json');
  return {
    visionPath: join(path, 'onnx', 'vision_model.onnx'),
    textPath: join(path, 'onnx', 'text_model.onnx'),
    tokenizerPath,
    tokenizerConfigPath: join(path, 'tokenizer_config.json'),
    textCleaning: cleaningFor(await readFile(tokenizerPath, 'utf8')),
    goldenPath: await access(goldenPath).then(
      () => goldenPath,
      () => undefined,
    ),
    imageSize,
    mean: preprocessor.do_normalize ? preprocessor.image_mean : [0, 0, 0],
    std: preprocessor.do_normalize ? preprocessor.image_std : [1, 1, 1],
    contextLength: config.text_config.max_position_embeddings,
    dimensions: config.projection_dim,
  };
}

/**
 * CLIP's vocabulary marks the end of a word, and only CLIP's does. The tokenizer decides and not `config.json`: the
 * vocabulary was made from cleaned text, whatever model it ended up in.
 */
const cleaningFor = (tokenizer: string): TextCleaning =>
  /"end_of_word_suffix":\s*"<\/w>"/.test(tokenizer) ? textCleanings.openclip : textCleanings.none;

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
