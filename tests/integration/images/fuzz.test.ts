import { beforeAll, describe, expect, test } from 'vitest';
import { bombs } from '../../../testing/images/bombs.ts';
import { mutated, type Seed, seeds } from '../../../testing/mutations.ts';
import { drive, type FuzzReport } from '../../fuzz/drive.ts';

/** The short form of `npm run fuzz`: fewer files, and a limit at which the largest of them takes a tenth of the time. */
const maxPixels = 5_000_000;
let from: Seed[];
beforeAll(async () => {
  from = await seeds();
});

/**
 * Asserts the limits for any input.
 * @param keptMb memory that the allocator may retain: up to 180 MB after the large files, after one round as after
 * eight.
 */
function expectHarmless({ faults, restarts, memory }: FuzzReport, keptMb: number, peakMb: number): void {
  expect({ faults, restarts }).toEqual({ faults: [], restarts: 0 });
  if (memory === undefined) return;
  expect(memory.after).toBeLessThan(memory.before + keptMb);
  expect(memory.peak).toBeLessThan(memory.before + peakMb);
}

test('undamaged images of every format are embedded', async () => {
  const report = await drive([], from, { maxPixels, atOnce: 2 });
  expect(report.outcomes).toEqual({ embedded: from.length });
});

test('150 damaged images end in an embedding or an image code each, in one process that keeps its memory', async () => {
  const inputs = Array.from({ length: 150 }, (_, n) => mutated(from, 1, n));
  const report = await drive(from, inputs, { maxPixels, atOnce: 2 });
  expectHarmless(report, 150, 300);
  // All three occur, or the mutations are too weak or too strong to mean anything.
  expect(Object.keys(report.outcomes)).toEqual(
    expect.arrayContaining(['embedded', 'image.corrupt', 'image.unsupported_format']),
  );
});

describe('files made to do harm', () => {
  test('end in an embedding or an image code each, in one process that keeps its memory', async () => {
    const report = await drive(from, await bombs(maxPixels), { maxPixels, atOnce: 2 });
    expectHarmless(report, 250, 400);
    expect(report.outcomes['image.too_many_pixels']).toBeGreaterThan(3);
  });

  test('of a kind that is not decoded are not decoded', async () => {
    const kinds = /^(empty|one byte|HTML|SVG|PDF|MVG|PostScript|PPM|XPM|ICO|BMP|MP4|zip|gzip|JPEG XL)/;
    const foreign = (await bombs(maxPixels)).filter(({ name }) => kinds.test(name));
    const { outcomes } = await drive([], foreign, { maxPixels, atOnce: 2 });
    expect(outcomes).toEqual({ 'image.unsupported_format': foreign.length });
    expect(foreign.length).toBeGreaterThan(14);
  });
});

test('the same seed makes the same files', () => {
  const twice = [1, 2].map(() => Array.from({ length: 20 }, (_, n) => mutated(from, 7, n)));
  expect(twice[0]).toEqual(twice[1]);
  expect(mutated(from, 8, 0).bytes.equals(mutated(from, 7, 0).bytes)).toBe(false);
});
