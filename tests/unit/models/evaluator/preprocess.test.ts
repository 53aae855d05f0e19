import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { preprocess, roundHalfEven } from '../../../../models/evaluator/preprocess.ts';
import { png, pngThatClaims, solidPng } from '../../../support/encoded-images.ts';
import { goldenClip, goldenImage } from '../../../support/model-folders.ts';

const size = 224;
/** Mean 0 and standard deviation 1/255 give back the values 0 to 255 of the crop. */
const options = { size, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255], maxPixels: 50_000_000 };

async function cropOf(bytes: Uint8Array, side = size): Promise<{ planes: Float32Array[]; means: number[] }> {
  const values = await preprocess(bytes, { ...options, size: side });
  const planes = [0, 1, 2].map((channel) => values.subarray(channel * side * side, (channel + 1) * side * side));
  return { planes, means: planes.map((plane) => plane.reduce((sum, value) => sum + value, 0) / plane.length) };
}

const codeOf = (bytes: Uint8Array, maxPixels = options.maxPixels) =>
  preprocess(bytes, { ...options, maxPixels }).then(
    () => 'decoded',
    (error: { code?: string; message: string }) => error.code ?? `no code: ${error.message}`,
  );

describe('the golden images', () => {
  // Largest difference to the mean that Pillow's crop has, over the channels, in steps of 1/255. Measured: 0.21 for
  // the GIF (Pillow takes the nearest pixel of a palette picture), 0.10 at most for the others without alpha. Where
  // alpha is low, Pillow's premultiplied bytes are coarse and libvips' floats are not: 3.0.
  const tolerance = (file: string) => (file === 'coffee-rgba.png' ? 3.1 : file === 'coffee.gif' ? 0.25 : 0.12);

  test.each(goldenClip.images)('$file has the crop of the reference', async ({ file, crop_mean: expected }) => {
    const { means } = await cropOf(goldenImage(file));
    for (const [channel, mean] of means.entries()) {
      expect(Math.abs(mean - (expected[channel] ?? Number.NaN))).toBeLessThan(tolerance(file));
    }
  });
});

describe('the crop', () => {
  /** Red tells the column and green the row, so a corner of the crop tells where it was cut. */
  function map(width: number, height: number): Buffer {
    const pixels = Buffer.alloc(width * height * 3);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        pixels[(y * width + x) * 3] = x;
        pixels[(y * width + x) * 3 + 1] = y;
      }
    }
    return png(width, height, pixels);
  }

  test.each([
    ['a square', 8, 8, 0, 0],
    ['a landscape', 16, 8, 4, 0],
    ['a portrait', 8, 16, 0, 4],
    // Half a pixel: 0.5 becomes 0, 1.5 becomes 2, 2.5 becomes 2, 3.5 becomes 4.
    ['a landscape with half a pixel', 9, 8, 0, 0],
    ['a landscape with one and a half', 11, 8, 2, 0],
    ['a landscape with two and a half', 13, 8, 2, 0],
    ['a landscape with three and a half', 15, 8, 4, 0],
    ['a portrait with half a pixel', 8, 9, 0, 0],
    ['a portrait with one and a half', 8, 11, 0, 2],
    ['a very wide picture', 200, 8, 96, 0],
    ['a very high picture', 8, 200, 0, 96],
  ])('of %s (%i x %i) begins at column %i, row %i', async (_what, width, height, left, top) => {
    const { planes } = await cropOf(map(width, height), 8);
    const [red, green, blue] = planes.map((plane) => [plane[0], plane.at(-1)]);
    expect(red?.map((value) => Math.round(value ?? -1))).toEqual([left, left + 7]);
    expect(green?.map((value) => Math.round(value ?? -1))).toEqual([top, top + 7]);
    expect(blue).toEqual([0, 0]);
  });

  test.each([
    [1, 1],
    [2, 1],
    [1, 3],
    [224, 224],
    [225, 224],
    [223, 225],
    [640, 480],
    [480, 640],
    [3_000, 2],
    [1, 10_000],
  ])('of a picture of %i x %i has 3 * 224 * 224 values', async (width, height) => {
    const values = await preprocess(solidPng(width, height, [250, 128, 3]), options);
    expect(values).toHaveLength(3 * size * size);
    const planes = [0, 1, 2].map((at) => new Set(values.subarray(at * size * size, (at + 1) * size * size)));
    expect(planes.map((plane) => [...plane].map(Math.round))).toEqual([[250], [128], [3]]);
  });

  test('has the side that the model asks for', async () => {
    expect(await preprocess(goldenImage('coffee.jpg'), { ...options, size: 336 })).toHaveLength(3 * 336 * 336);
  });
});

test('values are normalised by the mean and the standard deviation of their channel', async () => {
  const values = await preprocess(solidPng(4, 4, [255, 51, 0]), {
    ...options,
    size: 4,
    mean: [0.5, 0.1, 0.25],
    std: [0.5, 0.2, 0.125],
  });
  const channel = (at: number) => values[at * 16] ?? Number.NaN;
  expect(channel(0)).toBeCloseTo((1 - 0.5) / 0.5, 5);
  expect(channel(1)).toBeCloseTo((0.2 - 0.1) / 0.2, 5);
  expect(channel(2)).toBeCloseTo((0 - 0.25) / 0.125, 5);
});

describe('a format', () => {
  const picture = () => sharp(solidPng(64, 48, [200, 100, 50]));

  test.each([
    ['JPEG', () => picture().jpeg()],
    ['PNG', () => picture().png()],
    ['WebP', () => picture().webp()],
    ['GIF', () => picture().gif()],
    ['AVIF', () => picture().avif()],
    ['TIFF', () => picture().tiff()],
    ['interlaced PNG', () => picture().png({ progressive: true })],
    ['progressive JPEG', () => picture().jpeg({ progressive: true })],
    ['JPEG in CMYK', () => picture().toColourspace('cmyk').jpeg()],
    ['PNG of 16 bits a channel', () => picture().toColourspace('rgb16').png()],
    ['PNG with a palette', () => picture().png({ palette: true })],
  ])('%s is decoded to its colours', async (name, encode) => {
    const { means } = await cropOf(await encode().toBuffer());
    // CMYK without a profile has no agreed conversion; the others lose a step or two to compression.
    const tolerance = name === 'JPEG in CMYK' ? 30 : 2.5;
    for (const [channel, value] of [200, 100, 50].entries()) {
      expect(Math.abs((means[channel] ?? Number.NaN) - value)).toBeLessThan(tolerance);
    }
  });

  test('grey fills all three channels', async () => {
    const { means } = await cropOf(png(8, 8, Buffer.alloc(64, 77), 1));
    expect(means).toEqual([77, 77, 77]);
  });

  test.each(['gif', 'webp'] as const)('an animated %s gives its first frame', async (format) => {
    const frames = Buffer.concat([Buffer.alloc(48, Buffer.of(200, 100, 50)), Buffer.alloc(48, Buffer.of(0, 0, 255))]);
    const raw = { width: 4, height: 8, channels: 3, pageHeight: 4 } as const;
    const bytes = await sharp(frames, { raw }).toFormat(format, { lossless: true }).toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const { means } = await cropOf(bytes);
    expect(means.map(Math.round)).toEqual([200, 100, 50]);
  });

  test('a transparent picture keeps the colour under its alpha', async () => {
    const rgba = Buffer.alloc(8 * 8 * 4, Buffer.of(200, 100, 50, 128));
    const bytes = await sharp(rgba, { raw: { width: 8, height: 8, channels: 4 } })
      .png()
      .toBuffer();
    const { means } = await cropOf(bytes);
    for (const [channel, value] of [200, 100, 50].entries()) {
      expect(Math.abs((means[channel] ?? Number.NaN) - value)).toBeLessThan(1.5);
    }
  });

  test('EXIF orientation is not applied, as in the reference', async () => {
    // Left half red, right half blue; turned by 90 degrees they would lie above each other.
    const row = Buffer.concat([Buffer.alloc(24, Buffer.of(255, 0, 0)), Buffer.alloc(24, Buffer.of(0, 0, 255))]);
    const upright = png(16, 16, Buffer.concat(Array.from({ length: 16 }, () => row)));
    const turned = await sharp(upright).withMetadata({ orientation: 6 }).png().toBuffer();
    expect((await sharp(turned).metadata()).orientation).toBe(6);
    expect(await preprocess(turned, options)).toEqual(await preprocess(upright, options));
  });

  test('an embedded colour profile is not applied, as in the reference', async () => {
    const wide = await sharp(solidPng(8, 8, [200, 100, 50]))
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const stored = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
    const { means } = await cropOf(wide);
    expect(means.map(Math.round)).toEqual([...stored.subarray(0, 3)]);
  });
});

describe('bytes that are no picture', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a text', Buffer.from('This is no picture.')],
    ['a page of HTML', Buffer.from('<!doctype html><html><body>Not found</body></html>')],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect/></svg>')],
    ['SVG after an XML declaration', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n')],
    ['a ZIP archive', Buffer.from('PK\x03\x04'.padEnd(64, '\0'))],
    ['zeros', Buffer.alloc(1_000)],
    ['BMP', Buffer.from('BM'.padEnd(64, '\0'))],
    ['PPM', Buffer.from('P6 1 1 255\n\0\0\0')],
    ['Radiance HDR', Buffer.from('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\0\0\0\0')],
    ['one byte', Buffer.of(0xff)],
  ])('%s is image.unsupported_format', async (_what, bytes) => {
    expect(await codeOf(bytes)).toBe('image.unsupported_format');
  });

  test('the message lists the formats that are read', async () => {
    await expect(preprocess(Buffer.from('This is no picture.'), options)).rejects.toThrow(
      'JPEG, PNG, WebP, GIF, AVIF/HEIF and TIFF',
    );
  });
});

describe('a damaged picture', () => {
  test.each(
    ['chelsea.jpg', 'coffee-palette.png', 'coffee.gif', 'coffee.webp'].flatMap((file) =>
      [0.02, 0.5, 0.9].map((share) => ({ file, share })),
    ),
  )('$file cut at $share of its bytes is image.corrupt', async ({ file, share }) => {
    const bytes = goldenImage(file);
    expect(await codeOf(bytes.subarray(0, Math.floor(bytes.length * share)))).toBe('image.corrupt');
  });

  test('a PNG without width is image.corrupt', async () => {
    expect(await codeOf(pngThatClaims(0, 8))).toBe('image.corrupt');
  });

  test('the message is one line', async () => {
    const bytes = goldenImage('chelsea.jpg');
    await expect(preprocess(bytes.subarray(0, bytes.length / 2), options)).rejects.toThrow(/^[^\n]{1,300}$/);
  });
});

describe('a picture with too many pixels', () => {
  test.each([
    [20_000, 20_000],
    [50_001, 1_000],
    [1_000_000, 1_000_000],
  ])('that claims %i x %i is refused before it is decoded', async (width, height) => {
    expect(await codeOf(pngThatClaims(width, height))).toBe('image.too_many_pixels');
  });

  test('begins at one more than is allowed', async () => {
    expect(await codeOf(solidPng(100, 100, [1, 2, 3]), 10_000)).toBe('decoded');
    expect(await codeOf(solidPng(101, 100, [1, 2, 3]), 10_099)).toBe('image.too_many_pixels');
  });
});

test('roundHalfEven rounds as Python does', () => {
  const cases = [0, 0.5, 1.5, 2.5, 3.5, 0.4999, 0.5001, 37, 37.5, 38.5, -0.5, -1.5, -2.5];
  expect(cases.map(roundHalfEven)).toEqual([0, 0, 2, 2, 4, 0, 1, 37, 38, 38, 0, -2, -2]);
});
