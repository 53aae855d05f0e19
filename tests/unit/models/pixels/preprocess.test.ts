import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadTowers, type Towers } from '../../../../models/encoder/towers.ts';
import type { ModelSpec } from '../../../../models/model.ts';
import { crop, roundHalfEven } from '../../../../models/pixels/preprocess.ts';
import { png, pngThatClaims, solidPng } from '../../../../testing/images/png.ts';
import { clipPixels, goldenClip, goldenImage, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import expectedClip from '../../../golden/clip/expected.json' with { type: 'json' };

const size = 224;
const recipeFor = (side: number) => ({ ...clipPixels, size: side });
const options = { recipe: clipPixels, maxPixels: 50_000_000 };

const sha256 = Object.fromEntries(expectedClip.images.map(({ file, crop_sha256: hash }) => [file, hash]));

async function cropOf(bytes: Uint8Array, side = size): Promise<{ planes: Uint8Array[]; means: number[] }> {
  const values = await crop(bytes, { ...options, recipe: recipeFor(side) });
  const planes = [0, 1, 2].map((channel) => values.filter((_value, at) => at % 3 === channel));
  return { planes, means: planes.map((plane) => plane.reduce((sum, value) => sum + value, 0) / plane.length) };
}

const codeOf = (bytes: Uint8Array, maxPixels = options.maxPixels) =>
  crop(bytes, { ...options, maxPixels }).then(
    () => 'decoded',
    (error: { code?: string; message: string }) => error.code ?? `no code: ${error.message}`,
  );

describe('the golden images', () => {
  const modes = ['exact', 'fast'] as const;
  /** Largest |cosine - reference| over the texts. Measured: 1.3e-6 and 0.0016 at most. */
  const tolerance = { exact: 1e-5, fast: 0.002 };
  let spec: ModelSpec;
  let towers: Towers;
  beforeAll(async () => {
    spec = await specOf(tinyClipFolder);
    towers = await loadTowers(spec, 1);
  });

  const cases = goldenClip.images.map((image, row) => ({ ...image, reference: goldenClip.cosine[row] ?? [] }));

  test.each(cases)('$file has the very bytes of the reference in the exact mode', async ({ file, ...expected }) => {
    const bytes = await crop(goldenImage(file), { ...options, mode: 'exact' });
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256[file]);
    for (const [channel, mean] of expected.crop_mean.entries()) {
      const values = bytes.filter((_value, at) => at % 3 === channel);
      expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(mean, 3);
    }
  });

  test.each(modes.flatMap((mode) => cases.map((image) => ({ ...image, mode }))))(
    '$file has the cosines of the reference in the $mode mode',
    async ({ file, mode, reference }) => {
      expect(await worstCosine(await crop(goldenImage(file), pixelOptions(mode)), reference)).toBeLessThan(
        tolerance[mode],
      );
    },
  );

  test('exact is the default', async () => {
    const { mode: _exact, ...rest } = pixelOptions('exact');
    const bytes = goldenImage('chelsea.jpg');
    expect(await crop(bytes, rest)).toEqual(await crop(bytes, pixelOptions('exact')));
    expect(await crop(bytes, rest)).not.toEqual(await crop(bytes, pixelOptions('fast')));
  });

  const pixelOptions = (mode: 'exact' | 'fast') => ({
    recipe: spec.image,
    maxPixels: options.maxPixels,
    mode,
  });

  async function worstCosine(pixels: Uint8Array, reference: readonly number[]): Promise<number> {
    const [embedding = new Float32Array()] = await towers.images([pixels]);
    const errors = goldenClip.texts.map(({ embedding: text }, column) => {
      const cosine = text.reduce((sum, value, at) => sum + value * (embedding[at] ?? Number.NaN), 0);
      return Math.abs(cosine - (reference[column] ?? Number.NaN));
    });
    return Math.max(...errors);
  }
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
    ['a very wide image', 200, 8, 96, 0],
    ['a very high image', 8, 200, 0, 96],
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
  ])('of an image of %i x %i has 3 * 224 * 224 values', async (width, height) => {
    const values = await crop(solidPng(width, height, [250, 128, 3]), options);
    expect(values).toHaveLength(3 * size * size);
    const channels = [0, 1, 2].map((channel) => new Set(values.filter((_value, at) => at % 3 === channel)));
    expect(channels.map((values) => [...values])).toEqual([[250], [128], [3]]);
  });

  test('has the side that the model reads', async () => {
    expect(await crop(goldenImage('coffee.jpg'), { ...options, recipe: recipeFor(336) })).toHaveLength(3 * 336 * 336);
  });
});

describe('a format', () => {
  const image = () => sharp(solidPng(64, 48, [200, 100, 50]));

  test.each([
    ['JPEG', () => image().jpeg()],
    ['PNG', () => image().png()],
    ['WebP', () => image().webp()],
    ['GIF', () => image().gif()],
    ['AVIF', () => image().avif()],
    ['TIFF', () => image().tiff()],
    ['interlaced PNG', () => image().png({ progressive: true })],
    ['progressive JPEG', () => image().jpeg({ progressive: true })],
    ['PNG of 16 bits a channel', () => image().toColourspace('rgb16').png()],
    ['PNG with a palette', () => image().png({ palette: true })],
  ])('%s is decoded to its colours', async (_name, encode) => {
    const { means } = await cropOf(await encode().toBuffer());
    // Compression costs a step or two.
    const tolerance = 2.5;
    for (const [channel, value] of [200, 100, 50].entries()) {
      expect(Math.abs((means[channel] ?? Number.NaN) - value)).toBeLessThan(tolerance);
    }
  });

  test('inks of a JPEG in CMYK take their share of white, without a profile, as in the reference', async () => {
    const bytes = await image().toColourspace('cmyk').jpeg().toBuffer();
    const inks = await sharp(bytes).pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer();
    const { means } = await cropOf(bytes);
    const black = inks[3] ?? Number.NaN;
    for (const [channel, mean] of means.entries()) {
      const ink = inks[channel] ?? Number.NaN;
      expect(Math.abs(mean - ((255 - ink) * (255 - black)) / 255)).toBeLessThan(1);
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

  test('a transparent image keeps the colour under its alpha', async () => {
    const rgba = Buffer.alloc(8 * 8 * 4, Buffer.of(200, 100, 50, 128));
    const bytes = await sharp(rgba, { raw: { width: 8, height: 8, channels: 4 } })
      .png()
      .toBuffer();
    const { means } = await cropOf(bytes);
    for (const [channel, value] of [200, 100, 50].entries()) {
      expect(Math.abs((means[channel] ?? Number.NaN) - value)).toBeLessThan(1.5);
    }
  });

  test('a colour under no alpha has no weight in its neighbours', async () => {
    const pixels = Buffer.alloc(8 * 8 * 4, Buffer.of(200, 100, 50, 255, 0, 255, 0, 0));
    const bytes = await sharp(pixels, { raw: { width: 8, height: 8, channels: 4 } })
      .png()
      .toBuffer();
    // Multiplied bytes are coarse: half the alpha costs a step or two.
    for (const [at, value] of (await crop(bytes, { ...options, recipe: recipeFor(4) })).entries()) {
      expect(Math.abs(value - ([200, 100, 50][at % 3] ?? Number.NaN))).toBeLessThanOrEqual(2);
    }
  });

  test('the colour that a PNG names as transparent is a colour like others', async () => {
    const pixels = Buffer.alloc(8 * 8 * 3, Buffer.of(200, 100, 50, 0, 255, 0));
    const plain = png(8, 8, pixels);
    const key = Buffer.concat([Buffer.from('tRNS'), Buffer.of(0, 0, 0, 255, 0, 0)]);
    const [length, check] = [Buffer.of(0, 0, 0, 6), Buffer.alloc(4)];
    check.writeUInt32BE(crc32(key));
    // Between the signature and IHDR, 33 bytes, and IDAT.
    const keyed = Buffer.concat([plain.subarray(0, 33), length, key, check, plain.subarray(33)]);
    expect((await sharp(keyed).metadata()).hasAlpha).toBe(true);
    const small = { ...options, recipe: recipeFor(4) };
    expect(await crop(keyed, small)).toEqual(await crop(plain, { ...small, mode: 'exact' }));
  });

  test('a hole in a GIF has the colour that its palette gives it', async () => {
    // 2 x 1 pixels, palette red, green; pixel 0 is red and pixel 1 is index 1, declared transparent.
    const gif = Buffer.concat([
      Buffer.from('GIF89a'),
      Buffer.of(2, 0, 1, 0, 0x80, 0, 0),
      Buffer.of(255, 0, 0, 0, 255, 0),
      Buffer.of(0x21, 0xf9, 4, 1, 0, 0, 1, 0),
      Buffer.of(0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0),
      Buffer.of(2, 2, 0x44, 0x0a, 0, 0x3b),
    ]);
    expect([...(await crop(gif, { ...options, recipe: recipeFor(1) }))]).toEqual([255, 0, 0]);
    const { planes } = await cropOf(gif, 2);
    expect(planes.map(([first]) => Math.round(first ?? -1))).toEqual([255, 0, 0]);
    const wide = await crop(gif, { ...options, recipe: recipeFor(3) });
    expect([...wide.subarray(6, 9)]).toEqual([0, 255, 0]);
  });

  test('a two-colour image stays one: the nearest pixel, as in the reference', async () => {
    const pixels = Buffer.from(Array.from({ length: 90 * 70 }, (_, at) => ((at * 7) % 11 > 5 ? 255 : 0)));
    const bytes = await sharp(pixels, { raw: { width: 90, height: 70, channels: 1 } })
      .png({ palette: true, colours: 2, dither: 0 })
      .toBuffer();
    expect([...new Set(await crop(bytes, options))].sort()).toEqual([0, 255]);
  });

  test('EXIF orientation is not applied, as in the reference', async () => {
    // Left half red, right half blue; turned by 90 degrees they would lie above each other.
    const row = Buffer.concat([Buffer.alloc(24, Buffer.of(255, 0, 0)), Buffer.alloc(24, Buffer.of(0, 0, 255))]);
    const upright = png(16, 16, Buffer.concat(Array.from({ length: 16 }, () => row)));
    const turned = await sharp(upright).withMetadata({ orientation: 6 }).png().toBuffer();
    expect((await sharp(turned).metadata()).orientation).toBe(6);
    expect(await crop(turned, options)).toEqual(await crop(upright, options));
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

describe('bytes that are not an image', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a text', Buffer.from('This is not an image.')],
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
    await expect(crop(Buffer.from('This is not an image.'), options)).rejects.toThrow(
      'supported formats: JPEG, PNG, WebP, GIF, AVIF and TIFF',
    );
  });
});

describe('a damaged image', () => {
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

  test('has one message, also while other damaged images are decoded', async () => {
    const halves = ['chelsea.jpg', 'coffee-palette.png'].map((file) => {
      const bytes = goldenImage(file);
      return bytes.subarray(0, bytes.length / 2);
    });
    // With four at once, libvips reports the error of one image for another within a few rounds.
    const rounds = Array.from({ length: 20 }, () => [...halves, ...halves]);
    const messages = new Set<string>();
    for (const round of rounds) {
      const crops = await Promise.allSettled(round.map((bytes) => crop(bytes, options)));
      for (const outcome of crops) messages.add(outcome.status === 'rejected' ? outcome.reason.message : 'decoded');
    }
    expect([...messages].sort()).toEqual(['The JPEG is damaged or cut off', 'The PNG is damaged or cut off']);
  });
});

describe('an image with too many pixels', () => {
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
