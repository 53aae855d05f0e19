import sharp from 'sharp';
import { ServiceError } from '../../shared/errors.ts';

// Only these decoders may ever see bytes from outside: libvips links many more, some of them fragile.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadHeif',
    'VipsForeignLoadTiff',
  ],
});
// One picture is one thread, and nothing is kept: parallelism comes from many pictures, memory stays flat.
sharp.concurrency(1);
sharp.cache(false);

export interface PreprocessOptions {
  /** Side of the square, in pixels. */
  size: number;
  mean: readonly number[];
  std: readonly number[];
  /** Refused above this many pixels, before anything is decoded. */
  maxPixels: number;
}

const decodeSeconds = 10;

/**
 * Encoded image to the tensor of the vision tower: RGB without alpha (dropped, not blended), EXIF orientation not
 * applied, first frame, short side to `size` by antialiased bicubic, centre crop, `(value / 255 - mean) / std`.
 * These are OpenCLIP's steps with Pillow; libvips' cubic without shrink-on-load comes within 0.31/255 of it on average.
 * @returns planes R, G, B: `3 * size * size` values.
 * @throws {ServiceError} `image.unsupported_format`, `image.corrupt`, `image.too_many_pixels`, `image.decode_timeout`
 */
export async function preprocess(bytes: Uint8Array, options: PreprocessOptions): Promise<Float32Array> {
  const { size } = options;
  try {
    const image = sharp(bytes, {
      limitInputPixels: options.maxPixels,
      failOn: 'error',
      sequentialRead: true,
      pages: 1,
      // Pillow hands the values on as they are stored.
      ignoreIcc: true,
    });
    const { width, height } = await image.metadata();
    if (width * height > options.maxPixels) throw tooManyPixels(`${width} x ${height}`, options.maxPixels);
    // torchvision's `int(size * long / short)`, in this order: rounding the long side moves a cosine by up to 0.025.
    const short = Math.min(width, height);
    const resized = {
      width: Math.trunc((size * width) / short),
      height: Math.trunc((size * height) / short),
    };
    const { data, info } = await image
      .timeout({ seconds: decodeSeconds })
      .toColourspace('srgb')
      .removeAlpha()
      .resize(resized.width, resized.height, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: false })
      .extract({
        left: roundHalfEven((resized.width - size) / 2),
        top: roundHalfEven((resized.height - size) / 2),
        width: size,
        height: size,
      })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return normalise(data, info.channels, options);
  } catch (error) {
    throw toImageError(error, options.maxPixels);
  }
}

/** Interleaved bytes to normalised planes; a grey picture fills all three. */
function normalise(data: Buffer, channels: number, { size, mean, std }: PreprocessOptions): Float32Array {
  const plane = size * size;
  const planes = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const factor = 1 / (255 * (std[channel] ?? 1));
    const offset = (mean[channel] ?? 0) / (std[channel] ?? 1);
    const base = channel * plane;
    const source = channels >= 3 ? channel : 0;
    for (let pixel = 0, at = source; pixel < plane; pixel++, at += channels) {
      planes[base + pixel] = (data[at] ?? 0) * factor - offset;
    }
  }
  return planes;
}

/** Python's `round`, which places the reference's crop. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function toImageError(error: unknown, maxPixels: number): ServiceError {
  if (error instanceof ServiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (/input buffer is empty|unsupported image format|operation is blocked|not a known file format/i.test(message)) {
    const formats = 'JPEG, PNG, WebP, GIF, AVIF/HEIF and TIFF';
    return new ServiceError('image.unsupported_format', `The bytes are not an image; ${formats} are read`, cause);
  }
  if (/exceeds pixel limit/i.test(message)) return tooManyPixels('The image', maxPixels);
  if (/timeout/i.test(message)) {
    return new ServiceError('image.decode_timeout', `Decoding took more than ${decodeSeconds} s`, cause);
  }
  return new ServiceError('image.corrupt', message.replace(/\s+/g, ' ').slice(0, 300), cause);
}

const tooManyPixels = (what: string, maxPixels: number) =>
  new ServiceError('image.too_many_pixels', `${what} has more than ${maxPixels} pixels`);
