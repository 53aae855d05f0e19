import { readdirSync, readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

export interface Seed {
  name: string;
  bytes: Buffer;
}

/** Returns the golden and example images, and variants of one photo in other formats and encodings. */
export async function seeds(): Promise<Seed[]> {
  const folders = [
    new URL('../tests/golden/clip/images/', import.meta.url),
    new URL('../examples/photos/', import.meta.url),
  ];
  const found = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(jpg|png|gif|webp)$/.test(name))
      .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) })),
  );
  const photo = sharp(found.find(({ name }) => name === 'coffee.jpg')?.bytes).resize(160, 120);
  const frames = { join: { animated: true } };
  const pages = [await photo.clone().png().toBuffer(), await photo.clone().negate().png().toBuffer()];
  const made: [string, Sharp][] = [
    ['made.avif', photo.clone().avif({ effort: 0 })],
    ['made-alpha.avif', photo.clone().ensureAlpha(0.5).avif({ effort: 0 })],
    ['made-lzw.tiff', photo.clone().tiff({ compression: 'lzw' })],
    ['made-jpeg.tiff', photo.clone().tiff({ compression: 'jpeg' })],
    ['made-tiled.tiff', photo.clone().tiff({ compression: 'deflate', tile: true, pyramid: true })],
    ['made-progressive.jpg', photo.clone().jpeg({ progressive: true })],
    ['made-cmyk.jpg', photo.clone().toColourspace('cmyk').jpeg()],
    ['made-interlaced.png', photo.clone().png({ progressive: true })],
    ['made-lossless.webp', photo.clone().ensureAlpha(0.5).webp({ lossless: true })],
    ['made-animated.webp', sharp(pages, frames).webp()],
    ['made-animated.gif', sharp(pages, frames).gif()],
  ];
  return [
    ...found,
    ...(await Promise.all(made.map(async ([name, image]) => ({ name, bytes: await image.toBuffer() })))),
  ];
}

/** Returns a generator of numbers from 0 to 1 (Mulberry32), determined by the seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (bytes: Buffer, random: () => number, other: Buffer) => Buffer;

const upTo = (random: () => number, limit: number) => Math.floor(random() * limit);
/** Returns a random position in a file, likely near its beginning, where image files have most of their structure. */
const somewhere = (random: () => number, bytes: Buffer) =>
  random() < 0.5 ? upTo(random, Math.min(bytes.length, 200)) : upTo(random, bytes.length);

/** Numbers that may overflow in place of a size, an offset or a count. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

const mutations: Record<string, Mutation> = {
  flipped(bytes, random) {
    const copy = Buffer.from(bytes);
    for (let flips = 1 + upTo(random, 30); flips > 0; flips--) {
      const at = somewhere(random, copy);
      copy[at] = (copy[at] ?? 0) ^ (1 << upTo(random, 8));
    }
    return copy;
  },
  edged(bytes, random) {
    const copy = Buffer.from(bytes);
    for (let edits = 1 + upTo(random, 4); edits > 0; edits--) {
      const value = edges[upTo(random, edges.length)] ?? 0;
      const at = Math.min(somewhere(random, copy), copy.length - 4);
      const width = [1, 2, 4][upTo(random, 3)] ?? 4;
      if (random() < 0.5) copy.writeUIntBE(value % 2 ** (8 * width), at, width);
      else copy.writeUIntLE(value % 2 ** (8 * width), at, width);
    }
    return copy;
  },
  truncated: (bytes, random) => bytes.subarray(0, upTo(random, bytes.length)),
  beheaded: (bytes, random) => bytes.subarray(upTo(random, 100)),
  cut(bytes, random) {
    const at = somewhere(random, bytes);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + upTo(random, 500))]);
  },
  repeated(bytes, random) {
    const at = somewhere(random, bytes);
    const part = bytes.subarray(at, at + 1 + upTo(random, 2_000));
    return Buffer.concat([
      bytes.subarray(0, at),
      ...Array<Buffer>(1 + upTo(random, 50)).fill(part),
      bytes.subarray(at),
    ]);
  },
  inflated: (bytes, random) => Buffer.concat([bytes, Buffer.alloc(upTo(random, 2_000_000), upTo(random, 256))]),
  spliced(bytes, random, other) {
    return Buffer.concat([bytes.subarray(0, somewhere(random, bytes)), other.subarray(somewhere(random, other))]);
  },
  relabelled: (bytes, random, other) => Buffer.concat([other.subarray(0, 12 + upTo(random, 20)), bytes.subarray(32)]),
};

/** Returns the n-th mutated file, determined by the arguments. */
export function mutated(from: readonly Seed[], seed: number, n: number): Seed {
  const random = randomFrom(seed * 1_000_003 + n);
  const pick = () => from[upTo(random, from.length)] as Seed;
  const start = pick();
  const names = Object.keys(mutations);
  let { bytes } = start;
  const done: string[] = [];
  for (let rounds = 1 + upTo(random, 3); rounds > 0; rounds--) {
    const name = names[upTo(random, names.length)] ?? 'flipped';
    if (bytes.length < 8) break;
    bytes = (mutations[name] as Mutation)(bytes, random, pick().bytes);
    done.push(name);
  }
  // Most PNGs get correct checksums. Otherwise decoders would refuse nearly all at the first one.
  if (random() < 0.7) bytes = withPngChecksums(bytes);
  return { name: `${n}: ${start.name} ${done.join(', ')}`, bytes };
}

function withPngChecksums(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 1, 4) !== 'PNG') return bytes;
  const copy = Buffer.from(bytes);
  for (let at = 8; at + 12 <= copy.length; ) {
    const end = at + 8 + copy.readUInt32BE(at);
    if (end + 4 > copy.length) break;
    copy.writeUInt32BE(crc32(copy.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return copy;
}
