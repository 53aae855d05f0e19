import { z } from 'zod';
import type { ImageRecipe, Rgb } from '../model.ts';
import type { StatedFacts } from './family.ts';
import { absent, type FolderFiles } from './folder-files.ts';
import { openClipConfigIn } from './open-clip.ts';

const triple = z.tuple([z.number(), z.number(), z.number()]);
const side = z.int().positive();
const square = z.object({ height: side, width: side }).refine(({ height, width }) => height === width, 'not a square');
const shortest = z.object({ shortest_edge: side });
const size = z.union([side, shortest, square]);
const resample = { bilinear: 2, bicubic: 3 } as const;

/**
 * The used fields of transformers' `preprocessor_config.json`. Unsupported values are refused, because they would give
 * other pixels than in the reference implementation.
 */
const preprocessorConfig = z.object({
  image_mean: triple.optional(),
  image_std: triple.optional(),
  size: size.optional(),
  crop_size: z.union([side, square]).optional(),
  resample: z.literal(Object.values(resample), 'only bilinear (2) and bicubic (3) are supported').optional(),
  do_resize: z.literal(true, 'only true is supported').optional(),
  do_center_crop: z.boolean().default(true),
  do_rescale: z.literal(true, 'only true is supported').optional(),
  rescale_factor: z
    .number()
    .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, 'only 1/255 is supported')
    .optional(),
  do_normalize: z.boolean().default(true),
});

/** A family's reference preprocessing, for files that do not describe it. */
export type ImageDefaults = Pick<ImageRecipe, 'resize' | 'filter' | 'rgb' | 'mean' | 'std'>;

type Steps = Partial<Omit<ImageDefaults, 'rgb'>>;

/**
 * Reads the image preprocessing from the first source that states it: transformers' file, OpenCLIP's file, the registry
 * entry, the family's defaults.
 * @param imageSize the side length in pixels of the square model input.
 * @throws {Error} naming the file and the field; also when neither a file nor the registry entry states mean and
 * standard deviation.
 */
export function readImageRecipe(
  files: FolderFiles,
  imageSize: number,
  stated: StatedFacts,
  defaults: ImageDefaults,
): ImageRecipe {
  const transformers = transformersSteps(files, imageSize, defaults.resize);
  const openClip = openClipSteps(files, imageSize);
  const { mean, std } = stated.preprocess ?? {};
  if (transformers === undefined && openClip === undefined && (mean === undefined || std === undefined)) {
    throw absent(files.path('preprocessor_config.json'));
  }
  const entry = { ...(mean && { mean }), ...(std && { std }) };
  const recipe = { size: imageSize, ...defaults, ...entry, ...openClip, ...transformers };
  return { ...recipe, version: versionOf(recipe) };
}

function transformersSteps(files: FolderFiles, imageSize: number, ofNumber: ImageRecipe['resize']): Steps | undefined {
  const name = 'preprocessor_config.json';
  const file = files.parsed(name, preprocessorConfig);
  if (file === undefined) return undefined;
  const fault = (message: string) => new Error(`${files.path(name)}: ${message}`);
  const resize = file.size === undefined ? undefined : resizeOf(file.size, ofNumber);
  const isCropped = file.do_center_crop;
  if ((resize ?? ofNumber) === 'crop' && !isCropped) {
    throw fault('do_center_crop: must be true, since only the short side is resized');
  }
  const lengths = { size: lengthOf(file.size), ...(isCropped && { crop_size: lengthOf(file.crop_size) }) };
  for (const [field, length] of Object.entries(lengths)) {
    if (length === undefined || length === imageSize) continue;
    throw fault(`${field} is ${length}, but the model reads ${imageSize} x ${imageSize}`);
  }
  const values = file.do_normalize
    ? { ...(file.image_mean && { mean: file.image_mean }), ...(file.image_std && { std: file.image_std }) }
    : ({ mean: [0, 0, 0], std: [1, 1, 1] } as const);
  const filter = file.resample === resample.bilinear ? 'bilinear' : 'bicubic';
  return { ...(resize && { resize }), ...(file.resample && { filter }), ...values };
}

function openClipSteps(files: FolderFiles, imageSize: number): Steps | undefined {
  const { preprocess, preprocessPath } = openClipConfigIn(files) ?? {};
  if (preprocess === undefined) return undefined;
  const { size: length, mean, std, interpolation, resize_mode: mode } = preprocess;
  if (length !== undefined && length !== imageSize) {
    throw new Error(`${preprocessPath}: size is ${length}, but the model reads ${imageSize} x ${imageSize}`);
  }
  return {
    ...(mode && { resize: mode === 'squash' ? 'squash' : 'crop' }),
    ...(interpolation && { filter: interpolation }),
    ...(mean && { mean }),
    ...(std && { std }),
  };
}

const resizeOf = (stated: z.output<typeof size>, ofNumber: ImageRecipe['resize']): ImageRecipe['resize'] =>
  typeof stated === 'number' ? ofNumber : 'height' in stated ? 'squash' : 'crop';

const lengthOf = (stated: z.output<typeof size> | undefined): number | undefined =>
  typeof stated !== 'object' ? stated : 'height' in stated ? stated.height : stated.shortest_edge;

/**
 * Returns the version in receipts, cache keys and batches. Increase the last number when a code change changes pixels.
 */
const versionOf = ({ resize, filter, rgb }: Pick<ImageRecipe, 'resize' | 'filter' | 'rgb'>): string =>
  ['pillow', filter, ...(resize === 'squash' ? [resize] : []), ...(rgb === 'before-resize' ? ['rgb'] : []), 3].join(
    '-',
  );

/** Mean and standard deviation for a model input from -1 to 1. */
export const half: { mean: Rgb; std: Rgb } = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
