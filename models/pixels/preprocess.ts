import type { Caller } from '../encoder/protocol.ts';
import type { ImageRecipe, PreprocessMode } from '../model.ts';
import { divideByAlpha } from './alpha.ts';
import { openPicture, type Picture } from './decode.ts';
import { inTurn } from './decode-limits.ts';
import { planResample, type Rectangle, type Size } from './resample/plan.ts';
import { resample } from './resample/resample.ts';
import { toRgb } from './rgb.ts';

export interface CropOptions {
  /** On whose behalf, for the places of large images. Default: a batch of nobody in particular. */
  caller?: Caller;
  recipe: Pick<ImageRecipe, 'size' | 'resize' | 'filter' | 'rgb'>;
  /** Refused above this many pixels, before anything is decoded. */
  maxPixels: number;
  /**
   * `exact` (the default): the bytes that Pillow gives, for every image. `fast` leaves it to libvips to shrink colour
   * images without alpha and palette, which are nearly all: it shrinks a JPEG of more than four times the size while it
   * decodes it. Cosines move by up to 0.010 (`docs/models.md`).
   */
  mode?: PreprocessMode;
}

/**
 * Encoded image to the square that the model reads, as RGB. The tower normalises these bytes (`pixel-input.ts`).
 * With `after-resize` these are OpenCLIP's steps with Pillow, which resizes a picture in the mode it is stored in:
 * nearest pixel for a palette; colours weighted by their alpha, which is dropped (not blended) afterwards.
 * EXIF orientation is not applied.
 * @returns interleaved bytes: `size * size * 3`.
 * @throws {ServiceError} `image.unsupported_format`, `image.corrupt`, `image.too_many_pixels`, `image.decode_timeout`
 */
export async function crop(bytes: Uint8Array, { recipe, maxPixels, mode, caller }: CropOptions): Promise<Uint8Array> {
  const picture = await openPicture(bytes, maxPixels);
  const target = targetOf(picture, recipe);
  const { size, filter } = recipe;
  const window = {
    left: roundHalfEven((target.width - size) / 2),
    top: roundHalfEven((target.height - size) / 2),
    width: size,
    height: size,
  };
  // libvips enlarges in another way: cosines off by 0.013.
  const { resized } = picture;
  if (mode === 'fast' && resized && Math.min(picture.width, picture.height) > size) {
    return await inTurn(picture.metadata, async () => (await resized(target, window, filter)).data, caller);
  }
  const exactly = recipe.rgb === 'before-resize' ? cropInRgb : cropAsStored;
  return await inTurn(picture.metadata, () => exactly(picture, target, window, filter), caller);
}

/** The size of the whole image once it is resized. */
function targetOf({ width, height }: Size, { size, resize }: CropOptions['recipe']): Size {
  if (resize === 'squash') return { width: size, height: size };
  // torchvision's `int(size * long / short)`, in this order: rounding the long side moves a cosine by up to 0.025.
  const short = Math.min(width, height);
  return { width: Math.trunc((size * width) / short), height: Math.trunc((size * height) / short) };
}

/** Colours become RGB before the resize, as transformers 5 does it. */
async function cropInRgb(
  picture: Picture,
  target: Size,
  window: Rectangle,
  filter: ImageRecipe['filter'],
): Promise<Uint8Array> {
  const plan = planResample(filter, picture, target, window);
  const { data, channels } = await picture.rgbOverWhite(plan.region);
  return await resample({ data, channels, isWeighted: false }, plan);
}

/** Colours become RGB after the resize, as OpenCLIP does it. */
async function cropAsStored(
  picture: Picture,
  target: Size,
  window: Rectangle,
  filter: ImageRecipe['filter'],
): Promise<Uint8Array> {
  const hasTable = picture.mode === '1' || picture.mode === 'P';
  const plan = planResample(hasTable ? 'nearest' : filter, picture, target, window);
  const { data, channels } = await picture.pixels(plan.region);
  // A picture that keeps its size is copied, and so keeps what lies under its alpha.
  const isResized = target.width !== picture.width || target.height !== picture.height;
  const isWeighted = (picture.mode === 'LA' || picture.mode === 'RGBA') && isResized;
  const pixels = { data: await resample({ data, channels, isWeighted }, plan), channels };
  if (isWeighted) divideByAlpha(pixels);
  return toRgb(pixels, picture.mode).data;
}

/** Python's `round`, which places the reference's crop. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
