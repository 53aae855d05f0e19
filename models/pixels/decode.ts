import sharp, { type Metadata, type Sharp } from 'sharp';
import { ServiceError } from '../../shared/errors.ts';
import { describeNonImage, fileFormat } from '../../shared/file-format.ts';
import type { ImageRecipe } from '../model.ts';
import { checkStructure } from './decode-limits.ts';
import { type GifFrame, readGifFrame, withColourTable } from './gif.ts';
import { asStored } from './heif.ts';
import { damagedChunk } from './png.ts';
import type { Rectangle, Size } from './resample/plan.ts';
import { type ColourMode, overWhite, type Pixels, toRgb } from './rgb.ts';
import { checkTiff, paletteTiff, readTiffTags, type TiffTags } from './tiff.ts';

// Only these decoders may process untrusted bytes. libvips has many others, some of them fragile.
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
// The service decodes several images in parallel. One thread each and no cache keep memory constant.
sharp.concurrency(1);
sharp.cache(false);

export interface OpenedImage extends Size {
  mode: ColourMode;
  metadata: Metadata;
  /**
   * Decodes the columns of `region` in the file's colour mode; mode `1` as grey, `P` as RGBA. Rows extend from the
   * region's top to the image's end, because only then is a truncated file detected.
   */
  pixels(region: Rectangle): Promise<Pixels>;
  /** Decodes the same rows and columns as RGB. Transparency is blended over white. */
  rgbOverWhite(region: Rectangle): Promise<Pixels>;
  /**
   * Resizes to `target` and cuts out `window` in libvips, twice as fast as the exact method, with nearly Pillow's
   * values. Undefined unless the mode is `RGB` without alpha (libvips treats a PNG's transparent colour as alpha).
   */
  resized: ((target: Size, window: Rectangle, filter: ImageRecipe['filter']) => Promise<Pixels>) | undefined;
}

const decodeSeconds = 10;

const kernels = { bicubic: 'cubic', bilinear: 'linear' } as const;

/**
 * Reads the header of an image. Only an animation's first frame and the upper byte of 16-bit samples are used. As in
 * Pillow, a TIFF's orientation is applied; EXIF orientation, HEIF rotation and colour profiles are not.
 * @throws {ServiceError} `image.unsupported_format`, `image.corrupt`, `image.too_many_pixels`; the methods of the
 * returned image also throw `image.decode_timeout`.
 */
export async function openImage(bytes: Uint8Array, maxPixels: number): Promise<OpenedImage> {
  const guarded = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw toImageError(error, bytes, maxPixels);
    }
  };
  // sharp's error for empty bytes depends on the kind of buffer.
  if (bytes.length === 0) throw new ServiceError('image.unsupported_format', describeNonImage(bytes));
  const { image, metadata, facts } = await guarded(async () => {
    checkStructure(bytes);
    const facts = readHeader(bytes);
    const image = reader(facts.bytes, maxPixels);
    return { image, metadata: await image.metadata(), facts };
  });
  const { hasAlpha, compression } = metadata;
  if (metadata.format === 'heif' && compression !== 'av1') {
    const message = `HEIC (${compression?.toUpperCase()}) is not supported; convert the image to JPEG`;
    throw new ServiceError('image.unsupported_format', message);
  }
  const { width, height, isTurned } = orientedSize(metadata);
  if (width * height > maxPixels) throw tooManyPixels(`${width} x ${height}`, maxPixels);
  const { gif } = facts;
  const mode = modeOf(metadata, bytes, facts);
  const needsFill = gif !== undefined && (gif.isTransparent || gif.width < width || gif.height < height);

  const oriented = () => (isTurned ? image.clone().autoOrient() : image);
  const decoded = (pipeline: Sharp, isWide = false) => guarded(() => raw(pipeline, isWide));
  const toEnd = ({ left, top, width: columns }: Rectangle) => ({ left, top, width: columns, height: height - top });
  const readAs = (as: ColourMode, region: Rectangle) =>
    decoded(stored(oriented(), as).extract(region), as === 'CMYK' && metadata.bitsPerSample === 16);
  const pixels = async (asked: Rectangle) => {
    const region = toEnd(asked);
    const pixels = await readAs(needsFill ? 'RGBA' : mode, region);
    if (gif !== undefined && needsFill) fillOutside(pixels, region, gif);
    return pixels;
  };
  // A PNG may declare one colour as transparent. `mode` does not show this, but the image counts as transparent here.
  const hasTransparency = mode === 'P' || needsFill || (hasAlpha && facts.tiff?.extraSample !== 0);
  const rgbOverWhite = async (asked: Rectangle) => {
    if (!hasTransparency) return toRgb(await readAs(mode, toEnd(asked)), mode);
    const region = toEnd(asked);
    const pixels = await readAs('RGBA', region);
    if (gif !== undefined && needsFill && !gif.isTransparent) fillOutside(pixels, region, gif);
    return overWhite(pixels);
  };
  const resized = (target: Size, window: Rectangle, filter: ImageRecipe['filter']) =>
    decoded(
      oriented()
        .toColourspace('srgb')
        .resize(target.width, target.height, { fit: 'fill', kernel: kernels[filter], fastShrinkOnLoad: false })
        .extract(window),
    );
  return {
    width,
    height,
    mode,
    metadata,
    pixels,
    rgbOverWhite,
    resized: mode === 'RGB' && !hasAlpha && !needsFill ? resized : undefined,
  };
}

/** Properties that libvips does not report, and the bytes for libvips. */
interface Facts {
  bytes: Uint8Array;
  gif?: GifFrame;
  tiff?: TiffTags;
}

function readHeader(bytes: Uint8Array): Facts {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('GIF')) {
    const complete = withColourTable(bytes);
    return { bytes: complete, gif: readGifFrame(complete) };
  }
  if (head.startsWith('ftyp', 4)) return { bytes: asStored(bytes) };
  const tiff = readTiffTags(bytes);
  if (tiff === undefined) return { bytes };
  checkTiff(tiff);
  return { bytes, tiff };
}

/** Returns the size after rotation. Only a TIFF's orientation can swap width and height. */
function orientedSize({ format, orientation = 1, width, height }: Metadata): Size & { isTurned: boolean } {
  const isTurned = format === 'tiff' && orientation > 1;
  return isTurned && orientation > 4 ? { width: height, height: width, isTurned } : { width, height, isTurned };
}

// Checks the number of pixels before decoding. As in Pillow, no colour profile is applied.
const reader = (bytes: Uint8Array, maxPixels: number): Sharp =>
  sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', sequentialRead: true, pages: 1, ignoreIcc: true });

function stored(image: Sharp, mode: ColourMode): Sharp {
  switch (mode) {
    case '1':
    case 'L':
      return image.removeAlpha().toColourspace('b-w');
    case 'RGB':
      return image.removeAlpha().toColourspace('srgb');
    // Raw output of `b-w` would drop alpha, so grey with alpha is decoded as RGBA.
    case 'LA':
    case 'P':
    case 'RGBA':
      return image.ensureAlpha().toColourspace('srgb');
    case 'CMYK':
      return image.pipelineColourspace('cmyk').toColourspace('cmyk');
  }
}

/** @param isWide true for 16-bit samples. Their upper byte is taken here, because libvips would clip CMYK. */
async function raw(image: Sharp, isWide: boolean): Promise<Pixels> {
  const { data, info } = await image
    .timeout({ seconds: decodeSeconds })
    .raw({ depth: isWide ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (!isWide) return { data, channels: info.channels };
  // Node runs only on little-endian machines.
  return {
    data: Uint8Array.from({ length: data.length / 2 }, (_, at) => data[2 * at + 1] ?? 0),
    channels: info.channels,
  };
}

/** Fills transparent pixels of a GIF, and pixels outside its frame. */
function fillOutside({ data, channels }: Pixels, region: Rectangle, gif: GifFrame): void {
  for (let at = 0, pixel = 0; at < data.length; at += channels, pixel++) {
    const x = region.left + (pixel % region.width) - gif.left;
    const y = region.top + Math.floor(pixel / region.width) - gif.top;
    const isInside = x >= 0 && y >= 0 && x < gif.width && y < gif.height;
    if (!isInside || (gif.isTransparent && data[at + 3] === 0)) data.set(gif.fill, at);
  }
}

function modeOf(metadata: Metadata, bytes: Uint8Array, { gif, tiff }: Facts): ColourMode {
  const { format, space, isPalette, bitsPerSample } = metadata;
  const grey = space === 'b-w' || space === 'grey16';
  // An extra TIFF channel that is not declared as alpha is ignored.
  const hasAlpha = metadata.hasAlpha && tiff?.extraSample !== 0;
  if (gif?.isGrey) return 'L';
  if (isPalette || tiff?.photometric === paletteTiff) return 'P';
  if (space === 'cmyk') return 'CMYK';
  if (grey && bitsPerSample === 1) return '1';
  // libvips turns a PNG's transparent colour into alpha; Pillow does not. In byte 25 (colour type), the bit of value 4
  // marks a real alpha channel.
  const isKeyed = format === 'png' && ((bytes[25] ?? 0) & 4) === 0;
  const alpha = hasAlpha && !isKeyed;
  // Pillow reads 16-bit grey with alpha as RGBA.
  if (grey && bitsPerSample === 16 && alpha) return 'RGBA';
  if (grey) return alpha ? 'LA' : 'L';
  return alpha ? 'RGBA' : 'RGB';
}

function toImageError(error: unknown, bytes: Uint8Array, maxPixels: number): ServiceError {
  if (error instanceof ServiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (/unsupported image format|operation is blocked|not a known file format/i.test(message)) {
    return new ServiceError('image.unsupported_format', describeNonImage(bytes), cause);
  }
  if (/exceeds pixel limit/i.test(message)) return tooManyPixels('The image', maxPixels);
  if (/timeout/i.test(message)) {
    return new ServiceError('image.decode_timeout', `Decoding took more than ${decodeSeconds} s`, cause);
  }
  const format = fileFormat(bytes)?.name;
  const chunk = format === 'PNG' ? damagedChunk(bytes) : undefined;
  if (chunk !== undefined) {
    return new ServiceError('image.corrupt', `The checksum of the PNG's ${chunk} data is wrong`, cause);
  }
  // The message has no words of libvips: all threads write to one error buffer, so they may be those of another image.
  return new ServiceError('image.corrupt', `The ${format ?? 'image'} is damaged or cut off`, cause);
}

const tooManyPixels = (what: string, maxPixels: number) =>
  new ServiceError('image.too_many_pixels', `${what} has more than ${maxPixels} pixels`);
