import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDecoders, type DecodersOptions } from '../../../../models/decoder/decoders.ts';
import type { Pixels } from '../../../../models/encoder/towers.ts';
import { crop } from '../../../../models/pixels/preprocess.ts';
import { createSlots } from '../../../../models/slots.ts';
import { clipPixels, goldenClip, goldenImage } from '../../../../testing/model-folders.ts';
import { killFound } from '../../../../testing/processes/tree.ts';
import { until } from '../../../../testing/until.ts';

const batch = { interactive: false };
const cropOptions = { recipe: clipPixels, maxPixels: 50_000_000, mode: 'exact' } as const;
const crashing = fileURLToPath(new URL('../../../support/crashing-decoder.ts', import.meta.url));

function decodersOf(options: Partial<DecodersOptions> = {}) {
  const decoders = createDecoders({ ...cropOptions, processes: 2, ...options });
  onTestFinished(() => decoders.close());
  return decoders;
}
const played = (options: Partial<DecodersOptions> = {}) => {
  const decoders = decodersOf({ entry: crashing, ...options });
  const decode = async (text: string) => bytesOf(await decoders.crop(Buffer.from(text), batch)).toString();
  return { decoders, decode };
};
function bytesOf(pixels: Pixels, length = 3 * 224 * 224): Buffer {
  if (pixels instanceof Uint8Array) return Buffer.from(pixels);
  const bytes = Buffer.alloc(length);
  pixels.copyTo(bytes);
  pixels.release();
  return bytes;
}
const codeOf = (outcome: Promise<unknown>) =>
  outcome.then(
    () => 'decoded',
    (error: { code?: string }) => error.code,
  );

describe('decoder processes', () => {
  test('give the very bytes that this process would give', async () => {
    const decoders = decodersOf();
    await Promise.all(
      goldenClip.images.map(async ({ file }) => {
        const bytes = goldenImage(file);
        expect(bytesOf(await decoders.crop(bytes, batch)).equals(await crop(bytes, cropOptions))).toBe(true);
      }),
    );
  });

  test('take images from slots, and leave pixels in slots that are used again', async () => {
    const imageSlots = createSlots(2, 300_000);
    if (imageSlots === undefined) throw new Error('There is no /dev/shm here');
    onTestFinished(() => imageSlots.close());
    const decoders = decodersOf({ imageSlots });
    const bytes = goldenImage('chelsea.jpg');
    const slot = imageSlots.take() ?? -1;
    expect(imageSlots.write(slot, bytes)).toBe(true);
    const expected = await crop(bytes, cropOptions);
    // More than there are slots for pixels.
    for (let round = 0; round < 30; round++) {
      const crops = await Promise.all(
        Array.from({ length: 10 }, () => decoders.crop({ slot, length: bytes.length }, batch)),
      );
      for (const pixels of crops) {
        expect(pixels).not.toBeInstanceOf(Uint8Array);
        expect(bytesOf(pixels).equals(expected)).toBe(true);
      }
    }
  });

  test('tell apart a damaged image from those that are not images', async () => {
    const decoders = decodersOf({ processes: 1 });
    const cutOff = goldenImage('coffee.jpg').subarray(0, 5_000);
    expect(await codeOf(decoders.crop(cutOff, batch))).toBe('image.corrupt');
    expect(await codeOf(decoders.crop(Buffer.from('no image'), batch))).toBe('image.unsupported_format');
    expect(await codeOf(decoders.crop(goldenImage('coffee.jpg'), batch))).toBe('decoded');
  });

  test('decode large images one at a time, each in its turn', async () => {
    const decoders = decodersOf();
    // 16.8 megapixels: above the bound for images of which one is decoded at a time.
    const { default: sharp } = await import('sharp');
    const bytes = await sharp({ create: { width: 4100, height: 4100, channels: 3, background: '#204060' } })
      .png({ progressive: true, compressionLevel: 1 })
      .toBuffer();
    const crops = await Promise.all([1, 2, 3].map(() => decoders.crop(bytes, batch)));
    for (const pixels of crops) expect([...bytesOf(pixels).subarray(0, 3)]).toEqual([0x20, 0x40, 0x60]);
  });
});

describe('when a decoder ends', () => {
  test('the images that were with the one that ended it are decoded all the same', async () => {
    const { decode } = played({ processes: 1 });
    const outcomes = await Promise.allSettled(['a', 'crash', 'b', 'c'].map(decode));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  });

  test('an image that ends it each time is internal.poison', async () => {
    const { decode } = played();
    expect(await codeOf(decode('crash'))).toBe('internal.poison');
    expect(await decode('after')).toBe('after');
  });

  test('one that is silent with an image is ended, and the image is the cause when it was alone', async () => {
    // Longer than a process needs to start on a busy machine.
    const { decode } = played({ silenceMs: 2_000 });
    const [hangs, other] = [codeOf(decode('hang')), decode('other')];
    expect(await other).toBe('other');
    expect(await hangs).toBe('internal.poison');
  });

  test('the place of its large image is free again', async () => {
    const { decode } = played();
    const dying = codeOf(decode('large that dies'));
    expect(await decode('large')).toBe('large');
    expect(await dying).toBe('internal.poison');
  });

  test('another takes its place, with the same number of them', async () => {
    const { decoders, decode } = played();
    const [first] = decoders.pids();
    killFound(first);
    await until(() => expect(decoders.pids()).not.toContain(first));
    expect(await decode('a')).toBe('a');
    await until(() => expect(decoders.pids()).toHaveLength(2));
  });
});

test('a fault of an image has its code', async () => {
  expect(await codeOf(played().decode('bad'))).toBe('image.corrupt');
});

test('decoders that are closed refuse what they have', async () => {
  const { decoders, decode } = played({ processes: 1 });
  const waiting = Promise.allSettled(['hang', 'hang', 'a'].map(decode));
  decoders.close();
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});
