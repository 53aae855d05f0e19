import sharp, { type Metadata, type Sharp } from 'sharp';
import { ServiceError } from '../../shared/errors.ts';
import { checkStructure, inTurn } from './decode-limits.ts';
import type { Asker } from './protocol.ts';
import type { Rectangle, Size } from './resample.ts';

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

/**
 * What a file stores, in Pillow's words, since Pillow resizes a picture in the mode it is stored in: `L` grey,
 * `LA` and `RGBA` with an alpha channel, `P` with a palette, `1` black and white.
 */
export type PictureMode = '1' | 'L' | 'LA' | 'P' | 'RGB' | 'RGBA' | 'CMYK';

/** A picture whose header has been read. */
export interface Picture extends Size {
  mode: PictureMode;
  /** What colour a GIF has where its alpha is 0. */
  hole: readonly [number, number, number] | undefined;
  /**
   * The stored values of the columns of `region`, from its top down to the picture's end: rows below it are decoded
   * too, so that a file that was cut off is found out. `1` comes as grey, `P` as red, green, blue and alpha.
   */
  pixels(region: Rectangle): Promise<Pixels>;
  /**
   * A window of the picture made smaller by libvips: close to what Pillow gives, in half the time and outside of JavaScript.
   * For `RGB` without alpha only (a PNG may name a colour as transparent, which libvips takes for alpha).
   */
  resized: ((target: Size, window: Rectangle) => Promise<Pixels>) | undefined;
}

/** Interleaved bytes. */
export interface Pixels {
  data: Uint8Array;
  channels: number;
}

const decodeSeconds = 10;

/**
 * Reads the header. Of an animation the first frame counts; EXIF orientation and colour profiles are not applied;
 * of 16 bits a channel the upper 8 are kept.
 * @throws {ServiceError} `image.unsupported_format`, `image.corrupt`, `image.too_many_pixels`; the picture's methods
 * also `image.decode_timeout`.
 */
export async function openPicture(bytes: Uint8Array, maxPixels: number, asker?: Asker): Promise<Picture> {
  const guarded = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw toImageError(error, maxPixels);
    }
  };
  const { image, metadata } = await guarded(async () => {
    checkStructure(bytes);
    const image = reader(bytes, maxPixels);
    return { image, metadata: await image.metadata() };
  });
  const { width, height, hasAlpha } = metadata;
  if (width * height > maxPixels) throw tooManyPixels(`${width} x ${height}`, maxPixels);
  const gif = metadata.format === 'gif' ? readGifPalette(bytes) : undefined;
  const mode = modeOf(metadata, bytes, gif);

  const decoded = (pipeline: Sharp) => guarded(() => inTurn(metadata, () => raw(pipeline), asker));
  const pixels = ({ left, top, width: columns }: Rectangle) =>
    decoded(stored(image, mode).extract({ left, top, width: columns, height: height - top }));
  const resized = (target: Size, window: Rectangle) =>
    decoded(
      image
        .toColourspace('srgb')
        .resize(target.width, target.height, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: false })
        .extract(window),
    );
  return { width, height, mode, hole: gif?.hole, pixels, resized: mode === 'RGB' && !hasAlpha ? resized : undefined };
}

// The pixel limit holds before anything is decoded; Pillow, too, hands values on as they are stored: no profile.
const reader = (bytes: Uint8Array, maxPixels: number): Sharp =>
  sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', sequentialRead: true, pages: 1, ignoreIcc: true });

/** The pipeline that leaves channels as the mode has them. */
function stored(image: Sharp, mode: PictureMode): Sharp {
  switch (mode) {
    case '1':
    case 'L':
      return image.removeAlpha().toColourspace('b-w');
    case 'LA':
      return image.ensureAlpha().toColourspace('b-w');
    case 'RGB':
      return image.removeAlpha().toColourspace('srgb');
    case 'P':
    case 'RGBA':
      return image.ensureAlpha().toColourspace('srgb');
    case 'CMYK':
      return image.pipelineColourspace('cmyk').toColourspace('cmyk');
  }
}

async function raw(image: Sharp): Promise<Pixels> {
  const { data, info } = await image
    .timeout({ seconds: decodeSeconds })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, channels: info.channels };
}

function modeOf(metadata: Metadata, bytes: Uint8Array, gif: GifPalette | undefined): PictureMode {
  const { format, space, hasAlpha, isPalette, bitsPerSample } = metadata;
  const grey = space === 'b-w' || space === 'grey16';
  if (gif?.isGreyRamp) return 'L';
  if (isPalette) return 'P';
  if (space === 'cmyk') return 'CMYK';
  if (grey && bitsPerSample === 1) return '1';
  // A PNG can name one colour as transparent: libvips makes alpha of it, Pillow does not. Byte 25 is the colour type.
  const isKeyed = format === 'png' && ((bytes[25] ?? 0) & 4) === 0;
  const alpha = hasAlpha && !isKeyed;
  // Pillow reads grey and alpha of 16 bits as RGBA.
  if (grey && bitsPerSample === 16 && alpha) return 'RGBA';
  if (grey) return alpha ? 'LA' : 'L';
  return alpha ? 'RGBA' : 'RGB';
}

interface GifPalette {
  /** Entry i is (i, i, i): Pillow takes such a picture for a grey one. */
  isGreyRamp: boolean;
  /** The colour that stands where the first frame has none. */
  hole: readonly [number, number, number];
}

/**
 * libvips hides two things of a GIF's first frame: its palette, and the colour under what is transparent (Pillow shows
 * that colour, also where the frame does not reach).
 */
function readGifPalette(bytes: Uint8Array): GifPalette {
  const byte = (at: number) => bytes[at] ?? 0;
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let table = 13;
  let length = tableBytes(byte(10));
  let transparent = 0;
  let at = table + length;
  // Extensions up to the first image; each is a label and a chain of blocks that an empty one ends.
  while (byte(at) === 0x21) {
    if (byte(at + 1) === 0xf9 && byte(at + 3) & 1) transparent = byte(at + 6);
    at += 2;
    while (byte(at) > 0) at += byte(at) + 1;
    at++;
  }
  if (byte(at) === 0x2c && byte(at + 9) & 0x80) {
    table = at + 10;
    length = tableBytes(byte(at + 9));
  }
  const colours = bytes.subarray(table, table + length);
  const isGreyRamp = colours.every((value, index) => value === Math.floor(index / 3));
  const colour = (channel: number) => (isGreyRamp ? transparent : (colours[transparent * 3 + channel] ?? 0));
  return { isGreyRamp, hole: [colour(0), colour(1), colour(2)] };
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
