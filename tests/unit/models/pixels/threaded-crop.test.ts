import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pixels } from '../../../../models/encoder/towers.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { type CropThread, startCropThread } from '../../../../models/pixels/threaded-crop.ts';
import { createSlots } from '../../../../models/slots.ts';
import { solidPng } from '../../../../testing/images/png.ts';
import { clipPixels, goldenClip, goldenImage } from '../../../../testing/model-folders.ts';

const options = { recipe: clipPixels, maxPixels: 50_000_000, mode: 'exact' } as const;
const batch = { interactive: false };

/** Returns a copy of the pixels, and releases them. */
function read(pixels: Pixels): Buffer {
  if (pixels instanceof Uint8Array) return Buffer.from(pixels);
  const copy = Buffer.alloc(3 * clipPixels.size ** 2);
  pixels.copyTo(copy);
  pixels.release();
  return copy;
}

describe('the thread that crops images', () => {
  let thread: CropThread;
  beforeAll(() => {
    thread = startCropThread({ ...options, places: 2 });
  });
  afterAll(() => thread.close());

  test('gives the very bytes that this thread would give, in both modes, and leaves the image to its owner', async () => {
    for (const { file } of goldenClip.images) {
      const bytes = goldenImage(file);
      for (const mode of ['exact', 'fast'] as const) {
        const cropped = read(await thread.crop(bytes, batch, mode));
        expect(cropped.equals(await crop(bytes, { ...options, mode }))).toBe(true);
      }
    }
  });

  test('reads an image from a slot of shared memory', async () => {
    const slots = createSlots(2, 131_072);
    if (slots === undefined) throw new Error('This machine has no /dev/shm');
    const reader = startCropThread({ ...options, places: 2, imageSlots: { fd: slots.fd, slotBytes: slots.slotBytes } });
    try {
      const bytes = solidPng(300, 200, [10, 20, 30]);
      expect(slots.write(1, bytes)).toBe(true);
      const cropped = read(await reader.crop({ slot: 1, length: bytes.length }, batch));
      expect(cropped.equals(await crop(bytes, options))).toBe(true);
      await expect(reader.crop({ slot: 0, length: 9 }, batch)).rejects.toMatchObject({
        code: 'image.unsupported_format',
      });
    } finally {
      reader.close();
      slots.close();
    }
  });

  test('gives each image its own pixels, also when more images than blocks are not released', async () => {
    const shades = Array.from({ length: 60 }, (_, shade) => solidPng(8, 8, [shade, shade, shade]));
    for (const _ of ['first', 'again']) {
      const all = await Promise.all(shades.map((bytes) => thread.crop(bytes, batch)));
      expect(all.filter((pixels) => pixels instanceof Uint8Array)).toHaveLength(12);
      expect(all.map((pixels) => read(pixels)[0])).toEqual(shades.map((_, shade) => shade));
    }
  });

  test('a failed image leaves its block to others', async () => {
    const damaged = Array.from({ length: 60 }, () => thread.crop(Buffer.from('no image'), batch));
    expect((await Promise.allSettled(damaged)).every(({ status }) => status === 'rejected')).toBe(true);
    const pixels = await thread.crop(solidPng(8, 8, [1, 2, 3]), batch);
    expect(pixels).not.toBeInstanceOf(Uint8Array);
    read(pixels);
  });

  test('answers a damaged image with its code, and continues with others', async () => {
    const damaged = goldenImage('coffee.jpg').subarray(0, 5_000);
    const outcomes = await Promise.allSettled(
      [goldenImage('coffee.jpg'), damaged, Buffer.from('no image')].map((bytes) => thread.crop(bytes, batch)),
    );
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { reason: { code: 'image.corrupt' } },
      { reason: { code: 'image.unsupported_format' } },
    ]);
  });

  test('works while the thread that asks is busy', async () => {
    read(await thread.crop(goldenImage('coffee.jpg'), batch));
    const cropped = thread.crop(solidPng(64, 64, [1, 2, 3]), batch);
    const done = new Int32Array(new SharedArrayBuffer(4));
    // Blocks this thread, as a run of a tower does.
    Atomics.wait(done, 0, 0, 3_000);
    const answered = cropped.then(() => 'cropped');
    // The answer is there already: it arrives before any timer that is set now.
    expect(await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 0, 'late').unref())])).toBe(
      'cropped',
    );
  });

  test('a waiting image that is no longer needed is not cropped, and fails with the reason', async () => {
    const gone = new AbortController();
    // Two are decoded at a time; the third one waits for them.
    const large = solidPng(3_000, 3_000, [1, 2, 3]);
    const others = [1, 2].map(() => thread.crop(large, batch));
    const unneeded = thread.crop(large, { ...batch, signal: gone.signal });
    gone.abort(new Error('gone'));
    await expect(unneeded).rejects.toThrow('gone');
    for (const pixels of await Promise.all(others)) read(pixels);
    await expect(thread.crop(large, { ...batch, signal: gone.signal })).rejects.toThrow('gone');
  });
});
