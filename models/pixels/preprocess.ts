import type { Caller } from '../encoder/protocol.ts';
import type { ImageRecipe, PreprocessMode } from '../model.ts';
import { divideByAlpha } from './alpha.ts';
import { type OpenedImage, openImage } from './decode.ts';
import { inTurn } from './decode-limits.ts';
import { planResample, type Rectangle, type Size } from './resample/plan.ts';
import { resample } from './resample/resample.ts';
import { toRgb } from './rgb.ts';

export interface CropOptions {
  /** The caller, whose `takeLargePlace` limits large images. Default: batch work without a tenant. */
  caller?: Caller;
  recipe: Pick<ImageRecipe, 'size' | 'resize' | 'filter' | 'rgb'>;
  /** Images with more pixels are refused before they are decoded. */
  maxPixels: number;
  /**
   * `exact` (default): Pillow's bytes for every image. `fast`: libvips resizes colour images without alpha and palette,
   * nearly all images, and shrinks large JPEGs while decoding. It changes cosines by up to 0.010
   * (`docs/preprocessing.md`).
   */
  mode?: PreprocessMode;
}

/**
 * Converts an encoded image to the RGB square that the model reads. `pixel-input.ts` normalises it.
 *
 * `after-resize` follows OpenCLIP with Pillow, which resizes in the file's colour mode: palette images copy the nearest
 * pixel; with alpha, colours are weighted by alpha, which is then dropped without blending. EXIF orientation is not
 * applied.
 * @returns interleaved bytes: `size * size * 3`.
 * @throws {ServiceError} `image.unsupported_format`, `image.corrupt`, `image.too_many_pixels`, `image.decode_timeout`
 */
export async function crop(bytes: Uint8Array, { recipe, maxPixels, mode, caller }: CropOptions): Promise<Uint8Array> {
  const image = await openImage(bytes, maxPixels);
  const target = targetOf(image, recipe);
  const { size, filter } = recipe;
  const window = {
    left: roundHalfEven((target.width - size) / 2),
    top: roundHalfEven((target.height - size) / 2),
    width: size,
    height: size,
  };
  // Enlarging in libvips would change cosines by 0.013.
  const { resized } = image;
  if (mode === 'fast' && resized && Math.min(image.width, image.height) > size) {
    return await inTurn(image.metadata, async () => (await resized(target, window, filter)).data, caller);
  }
  const exactly = recipe.rgb === 'before-resize' ? cropInRgb : cropAsStored;
  return await inTurn(image.metadata, () => exactly(image, target, window, filter), caller);
}

/** Returns the size after the resize, before the window is cut out. */
function targetOf({ width, height }: Size, { size, resize }: CropOptions['recipe']): Size {
  if (resize === 'squash') return { width: size, height: size };
  // As torchvision's `int(size * long / short)`. Rounding the long side instead would change a cosine by up to 0.025.
  const short = Math.min(width, height);
  return { width: Math.trunc((size * width) / short), height: Math.trunc((size * height) / short) };
}

/** Converts to RGB before the resize, like transformers 5. */
async function cropInRgb(
  image: OpenedImage,
  target: Size,
  window: Rectangle,
  filter: ImageRecipe['filter'],
): Promise<Uint8Array> {
  const plan = planResample(filter, image, target, window);
  const { data, channels } = await image.rgbOverWhite(plan.region);
  return await resample({ data, channels, isWeighted: false }, plan);
}

/** Converts to RGB after the resize, like OpenCLIP. */
async function cropAsStored(
  image: OpenedImage,
  target: Size,
  window: Rectangle,
  filter: ImageRecipe['filter'],
): Promise<Uint8Array> {
  const hasTable = image.mode === '1' || image.mode === 'P';
  const plan = planResample(hasTable ? 'nearest' : filter, image, target, window);
  const { data, channels } = await image.pixels(plan.region);
  // Without a resize, transparent pixels keep their colours.
  const isResized = target.width !== image.width || target.height !== image.height;
  const isWeighted = (image.mode === 'LA' || image.mode === 'RGBA') && isResized;
  const pixels = { data: await resample({ data, channels, isWeighted }, plan), channels };
  if (isWeighted) divideByAlpha(pixels);
  return toRgb(pixels, image.mode).data;
}

/** Rounds a half to the even integer, like Python's `round`, which positions the reference's crop. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
