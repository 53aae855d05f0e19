import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { divideByAlpha } from '../../../../../models/pixels/alpha.ts';
import { type Filter, planResample, type Rectangle, type Size } from '../../../../../models/pixels/resample/plan.ts';
import { resample } from '../../../../../models/pixels/resample/resample.ts';
import expected from '../../../../golden/resample/expected.json' with { type: 'json' };

const channelsOf = { L: 1, RGB: 3, RGBA: 4, CMYK: 4 } as const;
type Mode = keyof typeof channelsOf;
type Case = [number, number, Mode, number, number, Filter, [number, number, number, number], string];

/** Pixels that `make.py` makes too. */
function pattern({ width, height }: Size, channels: number): Uint8Array {
  const pixels = new Uint8Array(width * height * channels);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [Math.floor(at / channels) % width, Math.floor(at / channels / width)];
    const isEdge = (Math.floor(x / 5) + Math.floor(y / 3)) % 4 === 0;
    const wave = (Math.floor((x * x) / 7) + Math.floor((y * y) / 5)) * 3;
    pixels[at] = isEdge ? 255 * ((x + y) % 2) : x * 7 + y * 13 + (at % channels) * 50 + ((x * y) % 31) * 5 + wave;
  }
  return pixels;
}

/** The bytes of a region, as a decoder gives them. */
function regionOf(pixels: Uint8Array, width: number, channels: number, region: Rectangle): Uint8Array {
  const rows = Array.from({ length: region.height }, (_, row) => {
    const first = ((region.top + row) * width + region.left) * channels;
    return pixels.subarray(first, first + region.width * channels);
  });
  return Buffer.concat(rows);
}

async function resized(source: Size, mode: Mode, target: Size, filter: Filter, window: Rectangle): Promise<Uint8Array> {
  const channels = channelsOf[mode];
  const plan = planResample(filter, source, target, window);
  const isResized = source.width !== target.width || source.height !== target.height;
  const isWeighted = mode === 'RGBA' && filter !== 'nearest' && isResized;
  const data = regionOf(pattern(source, channels), source.width, channels, plan.region);
  const pixels = { data: await resample({ data, channels, isWeighted }, plan), channels };
  if (isWeighted) divideByAlpha(pixels);
  return pixels.data;
}

describe('a pattern resized is what Pillow makes of it', () => {
  test.each(expected as Case[])(
    '%i x %i %s to %i x %i by %s, the window %j',
    async (width, height, mode, toWidth, toHeight, filter, window, sha256) => {
      const target = { width: toWidth, height: toHeight };
      const [left, top, wide, high] = window;
      const bytes = await resized({ width, height }, mode, target, filter, { left, top, width: wide, height: high });
      expect(createHash('sha256').update(bytes).digest('hex').slice(0, 32)).toBe(sha256);
    },
  );
});

test('only the part of the source that the window needs is read', () => {
  const window = { left: 4_888, top: 0, width: 224, height: 224 };
  const { region } = planResample('bicubic', { width: 20_000, height: 448 }, { width: 10_000, height: 224 }, window);
  // The window doubled, and the four pixels on either side that the kernel reaches to.
  expect(region).toEqual({ left: 9_773, top: 0, width: 454, height: 448 });
});

describe.each(['bicubic', 'bilinear'] as const)('%s', (filter) => {
  test('keeps an image of one colour, and never leaves 0 to 255', async () => {
    for (const value of [0, 1, 128, 254, 255]) {
      const target = { width: 224, height: 90 };
      const plan = planResample(filter, { width: 37, height: 53 }, target, { left: 3, top: 2, width: 9, height: 9 });
      const data = new Uint8Array(plan.region.width * plan.region.height).fill(value);
      expect(new Set(await resample({ data, channels: 1 }, plan))).toEqual(new Set([value]));
    }
  });

  test('makes a fine chequerboard grey: antialias', async () => {
    const [source, target] = [
      { width: 200, height: 200 },
      { width: 20, height: 20 },
    ];
    const board = Uint8Array.from({ length: 200 * 200 }, (_, at) => (((at % 200) + Math.floor(at / 200)) % 2) * 255);
    const plan = planResample(filter, source, target, { left: 2, top: 2, width: 16, height: 16 });
    const data = regionOf(board, 200, 1, plan.region);
    for (const value of await resample({ data, channels: 1 }, plan)) expect(Math.abs(value - 127.5)).toBeLessThan(2);
  });
});

test('images that are resampled at the same time do not meet', async () => {
  const source = { width: 3_000, height: 2_000 };
  const target = { width: 336, height: 224 };
  const window = { left: 56, top: 0, width: 224, height: 224 };
  const plan = planResample('bicubic', source, target, window);
  const sources = Array.from({ length: 6 }, (_, at) => {
    const data = new Uint8Array(plan.region.width * plan.region.height * 3);
    for (let byte = 0; byte < data.length; byte++) data[byte] = byte * (at + 3);
    return { data, channels: 3 };
  });
  const alone: Uint8Array[] = [];
  for (const one of sources) alone.push(await resample(one, plan));
  expect(await Promise.all(sources.map((one) => resample(one, plan)))).toEqual(alone);
});

test('a large image leaves turns of the event loop to others', async () => {
  const plan = planResample(
    'bicubic',
    { width: 8_000, height: 6_000 },
    { width: 298, height: 224 },
    {
      left: 37,
      top: 0,
      width: 224,
      height: 224,
    },
  );
  const data = new Uint8Array(plan.region.width * plan.region.height * 3);
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  await resample({ data, channels: 3 }, plan);
  clearInterval(counting);
  expect(turns).toBeGreaterThan(1);
});
