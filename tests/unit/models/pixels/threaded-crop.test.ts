import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { type CropThread, startCropThread } from '../../../../models/pixels/threaded-crop.ts';
import { solidPng } from '../../../../testing/images/png.ts';
import { clipPixels, goldenClip, goldenImage } from '../../../../testing/model-folders.ts';

const options = { recipe: clipPixels, maxPixels: 50_000_000, mode: 'exact' } as const;
const batch = { interactive: false };

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
        expect(Buffer.from(await thread.crop(bytes, batch, mode)).equals(await crop(bytes, { ...options, mode }))).toBe(
          true,
        );
      }
    }
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
    await thread.crop(goldenImage('coffee.jpg'), batch);
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
    await Promise.all(others);
    await expect(thread.crop(large, { ...batch, signal: gone.signal })).rejects.toThrow('gone');
  });
});
