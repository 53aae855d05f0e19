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
  /** The maximum number of pixels. Larger images are refused before they are decoded. */
  maxPixels: number;
  /**
   * The mode. `exact` (the default) returns the same bytes as Pillow for every image. With `fast`, libvips resizes
   * colour images that have neither alpha nor a palette, which are nearly all images, and shrinks a JPEG of more than
   * four times the target size while decoding it. This changes cosines by up to 0.010 (`docs/models.md`).
   */
  mode?: PreprocessMode;
}

/**
 * Converts an encoded image to the RGB square that the model reads. The graph normalises these bytes
 * (`pixel-input.ts`). With `after-resize`, the steps are those of OpenCLIP with Pillow, which resizes an image in the
 * colour mode of its file: with a palette, it copies the nearest pixel; with alpha, it weights colours by alpha, and
 * then drops alpha without blending. EXIF orientation is not applied.
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
  // libvips is not used to enlarge images, because cosines would then differ by 0.013.
  const { resized } = image;
  if (mode === 'fast' && resized && Math.min(image.width, image.height) > size) {
    return await inTurn(image.metadata, async () => (await resized(target, window, filter)).data, caller);
  }
  const exactly = recipe.rgb === 'before-resize' ? cropInRgb : cropAsStored;
  return await inTurn(image.metadata, () => exactly(image, target, window, filter), caller);
}

/** Returns the size of the complete image after the resize, before a window is cut out. */
function targetOf({ width, height }: Size, { size, resize }: CropOptions['recipe']): Size {
  if (resize === 'squash') return { width: size, height: size };
  // The same formula as torchvision's `int(size * long / short)`. Rounding the long side instead would change a cosine
  // by up to 0.025.
  const short = Math.min(width, height);
  return { width: Math.trunc((size * width) / short), height: Math.trunc((size * height) / short) };
}

/** Converts colours to RGB before the resize, as transformers 5 does. */
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

/** Converts colours to RGB after the resize, as OpenCLIP does. */
async function cropAsStored(
  image: OpenedImage,
  target: Size,
  window: Rectangle,
  filter: ImageRecipe['filter'],
): Promise<Uint8Array> {
  const hasTable = image.mode === '1' || image.mode === 'P';
  const plan = planResample(hasTable ? 'nearest' : filter, image, target, window);
  const { data, channels } = await image.pixels(plan.region);
  // An image that needs no resize is copied, and its transparent pixels keep their colours.
  const isResized = target.width !== image.width || target.height !== image.height;
  const isWeighted = (image.mode === 'LA' || image.mode === 'RGBA') && isResized;
  const pixels = { data: await resample({ data, channels, isWeighted }, plan), channels };
  if (isWeighted) divideByAlpha(pixels);
  return toRgb(pixels, image.mode).data;
}

/**
 * Rounds to the nearest integer, and a half to the even integer, as Python's `round` does. The reference implementation
 * positions its crop with `round`.
 */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
