import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  planBicubic,
  planNearest,
  type Rectangle,
  resample,
  type Size,
} from '../../../../models/evaluator/resample.ts';

const planners = { bicubic: planBicubic, nearest: planNearest };
type Filter = keyof typeof planners;

/** Pixels that every language can make again. */
function pattern({ width, height }: Size, channels: number): Uint8Array {
  const pixels = new Uint8Array(width * height * channels);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [Math.floor(at / channels) % width, Math.floor(at / channels / width)];
    pixels[at] = x * 7 + y * 13 + (at % channels) * 50 + ((x * y) % 31) * 5;
  }
  return pixels;
}

/** A window of the pattern resized. */
function resized(source: Size, channels: number, target: Size, filter: Filter, window?: Rectangle): Uint8Array {
  const plan = planners[filter](source, target, window ?? { left: 0, top: 0, ...target });
  const stride = source.width * channels;
  const first = plan.region.top * stride + plan.region.left * channels;
  const last = first + (plan.region.height - 1) * stride + plan.region.width * channels;
  return resample(pattern(source, channels).subarray(first, last), stride, channels, plan);
}

describe('the pattern resized', () => {
  // First half of the SHA-256 of what `Image.resize` of Pillow 13 gives.
  test.each([
    ['smaller', 64, 48, 3, 20, 15, 'bicubic', '14f2e1c2ae11badb'],
    ['larger', 20, 15, 3, 64, 48, 'bicubic', 'bfa71e37d7379bb2'],
    ['in grey', 64, 48, 1, 17, 31, 'bicubic', '583b2ad63a13106c'],
    ['when very high, height first', 50, 400, 3, 30, 240, 'bicubic', '6bbb2c7293ef6ce1'],
    ['when very wide', 400, 50, 3, 240, 30, 'bicubic', '881dee9f73960a8c'],
    ['in height only', 64, 48, 3, 64, 20, 'bicubic', '13ef5b6246654151'],
    ['in width only', 64, 48, 3, 20, 48, 'bicubic', 'a84049c36e192139'],
    ['to a few rows', 300, 7, 3, 90, 3, 'bicubic', '30298b40d471a6e6'],
    ['larger, by the nearest pixel', 61, 47, 3, 224, 172, 'nearest', 'ab3fbc0329670919'],
    ['smaller, by the nearest pixel', 301, 203, 1, 100, 67, 'nearest', 'e404c6db9e71468b'],
  ] as const)('%s is what Pillow makes of it', (_how, width, height, channels, toWidth, toHeight, filter, sha256) => {
    const bytes = resized({ width, height }, channels, { width: toWidth, height: toHeight }, filter);
    expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16)).toBe(sha256);
  });
});

describe.each(['bicubic', 'nearest'] as const)('a window of a picture resized (%s)', (filter) => {
  const window = { left: 5, top: 3, width: 9, height: 7 };

  test.each([
    ['smaller', { width: 64, height: 48 }, { width: 20, height: 15 }],
    ['larger', { width: 17, height: 11 }, { width: 40, height: 30 }],
    ['with the height first', { width: 30, height: 200 }, { width: 20, height: 130 }],
    ['not at all', { width: 20, height: 15 }, { width: 20, height: 15 }],
  ])('%s is that part of the whole', (_how, source, target) => {
    for (const channels of [1, 2, 3, 4]) {
      const whole = resized(source, channels, target, filter);
      const rows = Array.from({ length: window.height }, (_, row) => {
        const first = ((window.top + row) * target.width + window.left) * channels;
        return whole.subarray(first, first + window.width * channels);
      });
      expect(Buffer.from(resized(source, channels, target, filter, window))).toEqual(Buffer.concat(rows));
    }
  });
});

test('only the part of the source that the window needs is read', () => {
  const window = { left: 4_888, top: 0, width: 224, height: 224 };
  const { region } = planBicubic({ width: 20_000, height: 448 }, { width: 10_000, height: 224 }, window);
  // The window doubled, and the four pixels on either side that the kernel reaches to.
  expect(region).toEqual({ left: 9_773, top: 0, width: 454, height: 448 });
});

test('bicubic keeps a picture of one colour, and never leaves 0 to 255', () => {
  for (const value of [0, 1, 128, 254, 255]) {
    const plan = planBicubic(
      { width: 37, height: 53 },
      { width: 224, height: 90 },
      { left: 3, top: 2, width: 9, height: 9 },
    );
    const bytes = resample(new Uint8Array(37 * 53).fill(value), 37, 1, plan);
    expect(new Set(bytes)).toEqual(new Set([value]));
  }
});

test('antialias: a fine chequerboard becomes grey, where the nearest pixel leaves it black and white', () => {
  const [source, target] = [
    { width: 200, height: 200 },
    { width: 20, height: 20 },
  ];
  const board = Uint8Array.from({ length: 200 * 200 }, (_, at) => (((at % 200) + Math.floor(at / 200)) % 2) * 255);
  const window = { left: 2, top: 2, width: 16, height: 16 };
  const plan = planBicubic(source, target, window);
  const bytes = resample(board.subarray(plan.region.top * 200 + plan.region.left), 200, 1, plan);
  for (const value of bytes) expect(Math.abs(value - 127.5)).toBeLessThan(2);
});
