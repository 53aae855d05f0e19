import type { Metadata } from 'sharp';
import { describe, expect, test } from 'vitest';
import type { Caller } from '../../../../models/encoder/protocol.ts';
import { checkStructure, inTurn } from '../../../../models/pixels/decode-limits.ts';
import { goldenImage } from '../../../../testing/model-folders.ts';

const corrupt = expect.objectContaining({ code: 'image.corrupt' });

describe('a JPEG', () => {
  const segment = (marker: number, ...data: number[]) => Buffer.of(0xff, marker, 0, data.length + 2, ...data);
  const scan = Buffer.concat([segment(0xda, 1, 1, 0, 0, 63, 0), Buffer.of(0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56)]);
  const jpeg = (...parts: Buffer[]) => Buffer.concat([Buffer.of(0xff, 0xd8), ...parts, Buffer.of(0xff, 0xd9)]);
  const scans = (count: number) => Array<Buffer>(count).fill(scan);

  test('may have 100 scans and no more', () => {
    expect(() => checkStructure(jpeg(...scans(100)))).not.toThrow();
    expect(() => checkStructure(jpeg(...scans(101)))).toThrow(corrupt);
  });

  test.each([
    ['an end of the image inside of a comment', segment(0xfe, 0xff, 0xd9)],
    ['filling before a marker', Buffer.of(0xff, 0xff, 0xff)],
    ['restart markers', Buffer.of(0xff, 0xd3, 0xff, 0xd7)],
  ])('does not hide its scans behind %s', (_what, between) => {
    expect(() => checkStructure(jpeg(...scans(50), between, ...scans(51)))).toThrow(corrupt);
  });

  test.each([
    ['inside of a segment, such as a preview', segment(0xe1, ...Array<number[]>(60).fill([0xff, 0xda, 0]).flat())],
    ['behind the end, such as a second image', Buffer.concat([Buffer.of(0xff, 0xd9), ...scans(101)])],
  ])('is not counted %s', (_where, part) => {
    expect(() => checkStructure(jpeg(scan, part))).not.toThrow();
  });

  test('that is an ordinary photo passes', () => {
    for (const file of ['coffee.jpg', 'astronaut-1600.jpg', 'chelsea-exif6.jpg'])
      expect(() => checkStructure(goldenImage(file))).not.toThrow();
  });
});

describe('a TIFF', () => {
  /** Directories without an entry, one after the other; the last leads to `next`. */
  function tiff(pages: number, next: number, kind: 'II' | 'MM' | 'big' = 'II'): Buffer {
    const [header, count, offset] = kind === 'big' ? [16, 8, 8] : [8, 2, 4];
    const bytes = Buffer.alloc(header + pages * (count + offset));
    bytes.write(kind === 'MM' ? 'MM' : 'II');
    const write = (value: number, at: number, width: number) =>
      kind === 'MM'
        ? bytes.writeUIntBE(value, at, Math.min(width, 6))
        : bytes.writeUIntLE(value, at, Math.min(width, 6));
    write(kind === 'big' ? 43 : 42, 2, 2);
    write(header, kind === 'big' ? 8 : 4, offset);
    for (let page = 1; page <= pages; page++) {
      const at = header + page * (count + offset);
      write(page < pages ? at : next, at - offset, offset);
    }
    return bytes;
  }

  test.each(['II', 'MM', 'big'] as const)('(%s) may have 1,000 pages and no more', (kind) => {
    expect(() => checkStructure(tiff(1_000, 0, kind))).not.toThrow();
    expect(() => checkStructure(tiff(1_001, 0, kind))).toThrow(corrupt);
  });

  test('whose pages lead in a circle is refused', () => {
    expect(() => checkStructure(tiff(3, 8))).toThrow(corrupt);
  });

  test('whose page lies beyond its end is left to the decoder', () => {
    expect(() => checkStructure(tiff(3, 1_000_000))).not.toThrow();
  });
});

describe('the decoding', () => {
  const large = { width: 7_000, height: 7_000, format: 'heif' } as Metadata;
  const small = { width: 640, height: 480, format: 'heif' } as Metadata;

  test('of a large image waits for the large one before it, and small ones do not wait', async () => {
    const begun: string[] = [];
    const first = Promise.withResolvers<void>();
    const decode = (name: string, until: Promise<void> = Promise.resolve()) => {
      begun.push(name);
      return until;
    };
    const running = inTurn(large, () => decode('first', first.promise));
    const waiting = inTurn(large, () => decode('second'));
    await inTurn(small, () => decode('small'));
    expect(begun.toSorted()).toEqual(['first', 'small']);
    first.resolve();
    await Promise.all([running, waiting]);
    expect(begun.at(-1)).toBe('second');
  });

  test('of a large image continues after one that failed', async () => {
    await expect(inTurn(large, () => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
    await expect(inTurn(large, async () => 'decoded')).resolves.toBe('decoded');
  });

  /** Begins the decoding of large images, which end when they are asked to. */
  function setUp() {
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const decode = (name: string, caller: Caller) => {
      const end = Promise.withResolvers<void>();
      ends.set(name, end.resolve);
      return inTurn(
        large,
        async () => {
          begun.push(name);
          await end.promise;
        },
        caller,
      );
    };
    const end = async (...names: string[]) => {
      for (const name of names) {
        ends.get(name)?.();
        await new Promise(setImmediate);
      }
    };
    return { begun, decode, end };
  }

  test('of a large image of an interactive request waits for no batch, nor for another tenant', async () => {
    const { begun, decode, end } = setUp();
    const all = [
      decode('batch 1', { interactive: false, tenant: 'hostile' }),
      decode('batch 2', { interactive: false, tenant: 'hostile' }),
      decode('single 1', { interactive: true, tenant: 'hostile' }),
      decode('single 2', { interactive: true, tenant: 'hostile' }),
      decode('single of another', { interactive: true, tenant: 'ordinary' }),
    ];
    await new Promise(setImmediate);
    expect(begun).toEqual(['batch 1', 'single 1', 'single of another']);
    await end('batch 1', 'single of another', 'single 1', 'single 2', 'batch 2');
    await Promise.all(all);
  });

  test('of large images of batches is in turn by tenant', async () => {
    const { begun, decode, end } = setUp();
    const all = ['a1', 'a2', 'a3', 'b1'].map((name) => decode(name, { interactive: false, tenant: name[0] }));
    await new Promise(setImmediate);
    await end('a1');
    expect(begun).toEqual(['a1', 'b1']);
    await end('b1', 'a2', 'a3');
    await Promise.all(all);
  });

  test('of a large image that is no longer needed does not begin', async () => {
    const { begun, decode, end } = setUp();
    const first = decode('first', { interactive: false, tenant: 'a' });
    const abort = new AbortController();
    const waiting = decode('second', { interactive: false, tenant: 'a', signal: abort.signal });
    abort.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    await end('first');
    await first;
    expect(begun).toEqual(['first']);
  });
});
