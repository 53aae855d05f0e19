import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { goldenImage } from '../model-folders.ts';

/** A file that is harmful to decoders, or that is not an image at all. */
export interface Bomb {
  name: string;
  bytes: Buffer;
}

/**
 * Makes all bombs, the same files in every call. @param maxPixels the decoder's pixel limit; some bombs stay just below
 * it.
 */
export async function bombs(maxPixels: number): Promise<Bomb[]> {
  const side = Math.floor(Math.sqrt(maxPixels)) - 1;
  const jpeg = goldenImage('coffee.jpg');
  const progressive = await sharp(jpeg).jpeg({ progressive: true }).toBuffer();
  const flat = sharp({ create: { width: side, height: side, channels: 3, background: '#7f3f1f' } });
  const avif = await sharp(jpeg).resize(200).avif({ effort: 0 }).toBuffer();
  const made: [string, Buffer | Promise<Buffer>][] = [
    ['empty', Buffer.alloc(0)],
    ['one byte', Buffer.of(0xff)],
    ['HTML', Buffer.from('<!doctype html><title>404</title><p>Not here')],
    [
      'SVG',
      Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9999" height="9999"><rect width="9" height="9"/></svg>',
      ),
    ],
    [
      'SVG that reads a file',
      Buffer.from(
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
      ),
    ],
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF')],
    [
      'MVG',
      Buffer.from(
        'push graphic-context\nviewbox 0 0 640 480\nfill \'url(https://127.0.0.1/x.jpg"|id ")\'\npop graphic-context',
      ),
    ],
    ['PostScript', Buffer.from('%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage')],
    ['PPM', Buffer.concat([Buffer.from('P6 4 4 255\n'), Buffer.alloc(48, 9)])],
    ['XPM', Buffer.from('/* XPM */ static char *x[] = {"1 1 1 1", "a c red", "a"};')],
    ['ICO', Buffer.concat([Buffer.from('00000100010010100000010020006804000016000000', 'hex'), Buffer.alloc(1_128)])],
    [
      'BMP',
      Buffer.concat([
        Buffer.from('424d460000000000000036000000280000000200000002000000010018000000000010000000', 'hex'),
        Buffer.alloc(32),
      ]),
    ],
    [
      'MP4',
      Buffer.concat([
        Buffer.from('0000001866747970', 'hex'),
        Buffer.from('69736f6d0000020069736f6d69736f32', 'hex'),
        Buffer.from('7fffffff6d646174', 'hex'),
        Buffer.alloc(5_000, 7),
      ]),
    ],
    ['zip', Buffer.concat([Buffer.from('504b0304140000000800', 'hex'), deflateSync(Buffer.alloc(10_000_000))])],
    ['gzip of a PNG', gzipSync(goldenImage('coffee-rgba.png'))],
    ['JPEG XL', Buffer.from('ff0a7a1b8012800000', 'hex')],
    ['PNG, 60,000 x 1', png(60_000, 1)],
    ['PNG, 1 x 60,000', png(1, 60_000)],
    ['PNG, 20,000 x 20,000 in a few KB', png(20_000, 20_000, { depth: 1, colour: 0 })],
    ['PNG, 2^31 - 1 square, without a pixel', png(0x7fffffff, 0x7fffffff, { rows: 0 })],
    ['PNG, 0 x 0', png(0, 0, { rows: 0 })],
    ['PNG, 16 bits RGBA at the limit', png(side, side, { depth: 16, colour: 6 })],
    ['PNG, 16 bits RGBA at the limit, interlaced', png(side, side, { depth: 16, colour: 6, interlaced: true })],
    ['PNG, 1 bit at the limit', png(side, side, { depth: 1, colour: 0 })],
    ['PNG, RGBA at the limit', png(side, side, { colour: 6 })],
    ['PNG, with a row of too many', png(64, 64, { rows: 4_096 })],
    [
      'PNG, profile that inflates to 200 MB',
      png(64, 64, {
        before: [
          chunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.alloc(200_000_000), { level: 9 })])),
        ],
      }),
    ],
    [
      'PNG, text that inflates to 200 MB',
      png(64, 64, {
        before: [
          chunk('zTXt', Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.alloc(200_000_000), { level: 9 })])),
        ],
      }),
    ],
    [
      'PNG, 50,000 texts',
      png(64, 64, { before: Array.from({ length: 50_000 }, (_, n) => chunk('tEXt', Buffer.from(`k${n}\x00v`))) }),
    ],
    [
      'PNG, chunk of 2 GB that is not there',
      Buffer.concat([png(64, 64).subarray(0, 33), Buffer.from('7fffffff49444154', 'hex'), Buffer.alloc(100)]),
    ],
    ['GIF, 10,000 frames', gif(64, 64, 10_000)],
    ['GIF, 65,535 square', gif(65_535, 65_535, 1)],
    ['GIF, at the limit', gif(side, side, 3)],
    ['GIF, without a frame', gif(64, 64, 0)],
    ['JPEG, truncated and progressive', progressive.subarray(0, progressive.length / 2)],
    ['JPEG, header alone', jpeg.subarray(0, 200)],
    ['JPEG, 65,500 square by its header', withJpegSize(jpeg, 65_500, 65_500)],
    ['JPEG, at the limit by its header', withJpegSize(jpeg, side, side)],
    ['JPEG, no height', withJpegSize(jpeg, 600, 0)],
    [
      'JPEG, rubbish for a profile',
      withJpegSegment(jpeg, 0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01'), noise(50_000)])),
    ],
    [
      'JPEG, rubbish for EXIF',
      withJpegSegment(jpeg, 0xe1, Buffer.concat([Buffer.from('Exif\0\0II*\0'), noise(50_000)])),
    ],
    [
      'JPEG, EXIF directory that leads to itself',
      withJpegSegment(
        jpeg,
        0xe1,
        Buffer.from('457869660000 49492a0008000000 0100 6987040001000000 08000000 08000000'.replaceAll(' ', ''), 'hex'),
      ),
    ],
    ['JPEG, 883 scans', jpegOfManyScans(256)],
    ['JPEG, 883 scans at the limit', jpegOfManyScans(side)],
    ['JPEG, progressive at the limit', flat.clone().jpeg({ progressive: true }).toBuffer()],
    ['WebP, 16,383 square by its header', withWebpSize(goldenImage('coffee.webp'), 16_383, 16_383)],
    ['WebP, at the limit', flat.clone().webp({ effort: 0 }).toBuffer()],
    ['WebP, lossless at the limit', flat.clone().webp({ lossless: true, effort: 0 }).toBuffer()],
    ['AVIF, at the limit', flat.clone().avif({ effort: 0 }).toBuffer()],
    ['AVIF, 65,535 square by its header', withAvifSize(avif, 65_535, 65_535)],
    ['AVIF, at the limit by its header', withAvifSize(avif, side, side)],
    ['AVIF, cut off', avif.subarray(0, avif.length / 2)],
    ['TIFF, at the limit in one strip', tiff(side, side, { bytesPerSample: 1, samples: 3 })],
    ['TIFF, 8 bytes a sample at the limit', tiff(side, side, { bytesPerSample: 8, samples: 4, present: 1_000 })],
    ['TIFF, 60,000 samples a pixel', tiff(800, 800, { bytesPerSample: 1, samples: 60_000, present: 1_000 })],
    ['TIFF, 65,000 square', tiff(65_000, 65_000, { bytesPerSample: 1, samples: 1, present: 1_000 })],
    ['TIFF, directory that leads to itself', tiff(64, 64, { bytesPerSample: 1, samples: 3, next: 8 })],
    ['TIFF, 60,000 pages', tiffOfManyPages(60_000)],
    ['TIFF, strip beyond the end', tiff(64, 64, { bytesPerSample: 1, samples: 3, present: 0 })],
  ];
  return await Promise.all(made.map(async ([name, bytes]) => ({ name, bytes: await bytes })));
}

/** Returns incompressible bytes, the same in every call. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), 4 + body.length);
  return framed;
}

interface PngOptions {
  depth?: 1 | 8 | 16;
  /** The colour type: 0 grey, 2 RGB, 6 RGBA. */
  colour?: 0 | 2 | 6;
  interlaced?: boolean;
  /** The number of rows that the file contains. */
  rows?: number;
  before?: Buffer[];
}

/** Makes a PNG whose pixels are all 0, which compress by a factor of a thousand. */
export function png(width: number, height: number, options: PngOptions = {}): Buffer {
  const { depth = 8, colour = 2, interlaced = false, rows = height, before = [] } = options;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8);
  const channels = colour === 6 ? 4 : colour === 2 ? 3 : 1;
  const row = 1 + Math.ceil((width * channels * depth) / 8);
  // An interlaced image has up to twice as many rows, each with a filter byte. Decoders ignore surplus bytes.
  const pixels = rows === 0 ? Buffer.alloc(0) : deflateSync(Buffer.alloc(row * rows + (interlaced ? 8 * rows : 0)));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...before,
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Makes a GIF whose frames have one pixel each. */
function gif(width: number, height: number, frames: number): Buffer {
  const screen = Buffer.from('474946383961 00000000 800000 000000ffffff'.replaceAll(' ', ''), 'hex');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  const frame = Buffer.from('21f90400010000002c00000000010001000002024401 00'.replaceAll(' ', ''), 'hex');
  return Buffer.concat([screen, ...Array<Buffer>(frames).fill(frame), Buffer.of(0x3b)]);
}

function* jpegSegments(bytes: Buffer): Generator<{ marker: number; at: number; length: number }> {
  for (let at = 2; at + 4 < bytes.length; ) {
    const segment = { marker: bytes[at + 1] ?? 0, at, length: 2 + bytes.readUInt16BE(at + 2) };
    yield segment;
    if (segment.marker === 0xda) return;
    at += segment.length;
  }
}

function withJpegSize(bytes: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const { marker, at } of jpegSegments(copy)) {
    if (marker < 0xc0 || marker > 0xc2) continue;
    copy.writeUInt16BE(height, at + 5);
    copy.writeUInt16BE(width, at + 7);
  }
  return copy;
}

function withJpegSegment(bytes: Buffer, marker: number, data: Buffer): Buffer {
  const head = Buffer.of(0xff, marker, 0, 0);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([bytes.subarray(0, 2), head, data, bytes.subarray(2)]);
}

/**
 * Makes a grey progressive JPEG with an empty scan for each bit of each coefficient. The decoder processes the whole
 * image for each scan.
 */
function jpegOfManyScans(side: number): Buffer {
  const blocks = Math.ceil(side / 8) ** 2;
  const segment = (marker: number, ...data: number[]) => Buffer.of(0xff, marker, 0, data.length + 2, ...data);
  const size = [side >> 8, side & 0xff, side >> 8, side & 0xff];
  const oneCode = [1, ...Array<number>(15).fill(0)];
  // Two Huffman tables of one code each: a difference of zero, and the end of 2^14 blocks.
  const parts = [
    Buffer.of(0xff, 0xd8),
    segment(0xdb, 0, ...Array<number>(64).fill(1)),
    segment(0xc2, 8, ...size, 1, 1, 0x11, 0),
    segment(0xc4, 0x00, ...oneCode, 0x00),
    segment(0xc4, 0x10, ...oneCode, 0xe0),
    segment(0xda, 1, 1, 0, 0, 0, 0),
    Buffer.alloc(Math.ceil(blocks / 8)),
  ];
  const nothing = Buffer.alloc(Math.ceil((Math.ceil(blocks / 2 ** 14) * 15) / 8));
  const topBit = 13;
  for (let bit = topBit; bit >= 0; bit--) {
    for (let coefficient = 1; coefficient < 64; coefficient++) {
      const bits = bit === topBit ? bit : ((bit + 1) << 4) | bit;
      parts.push(segment(0xda, 1, 1, 0, coefficient, coefficient, bits), nothing);
    }
  }
  return Buffer.concat([...parts, Buffer.of(0xff, 0xd9)]);
}

/** Changes the stated size of a lossy WebP without an extended header. */
function withWebpSize(bytes: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(Buffer.from('9d012a', 'hex'));
  copy.writeUInt16LE(width, at + 3);
  copy.writeUInt16LE(height, at + 5);
  return copy;
}

function withAvifSize(bytes: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf('ispe');
  copy.writeUInt32BE(width, at + 8);
  copy.writeUInt32BE(height, at + 12);
  return copy;
}

interface TiffOptions {
  bytesPerSample: 1 | 2 | 4 | 8;
  samples: number;
  /** The number of bytes to which the strip decompresses. Default: as the header states. */
  present?: number;
  /** The offset of the next directory in the file. */
  next?: number;
}

/** Makes a little-endian TIFF with one compressed strip of zeros. */
function tiff(width: number, height: number, options: TiffOptions): Buffer {
  const { bytesPerSample, samples, present = width * height * samples * bytesPerSample, next = 0 } = options;
  const strip = present === 0 ? Buffer.alloc(0) : deflateSync(Buffer.alloc(present));
  const tags: [tag: number, type: 3 | 4, value: number][] = [
    [256, 4, width],
    [257, 4, height],
    [258, 3, bytesPerSample * 8],
    // Compression: Deflate.
    [259, 3, 8],
    [262, 3, samples >= 3 ? 2 : 1],
    [273, 4, 8 + 2 + 11 * 12 + 4],
    [277, 3, samples],
    [278, 4, height],
    [279, 4, Math.max(1, strip.length)],
    [284, 3, 1],
    // Sample format: floating point from 32 bits, otherwise unsigned integers.
    [339, 3, bytesPerSample >= 4 ? 3 : 1],
  ];
  const head = Buffer.alloc(8 + 2 + tags.length * 12 + 4);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  for (const [at, [tag, type, value]] of tags.entries()) {
    const from = 10 + at * 12;
    head.writeUInt16LE(tag, from);
    head.writeUInt16LE(type, from + 2);
    head.writeUInt32LE(1, from + 4);
    if (type === 3) head.writeUInt16LE(value, from + 8);
    else head.writeUInt32LE(value, from + 8);
  }
  head.writeUInt32LE(next, head.length - 4);
  return Buffer.concat([head, strip]);
}

/** Makes a TIFF with many pages of one pixel, which share their data. */
function tiffOfManyPages(pages: number): Buffer {
  const page = tiff(1, 1, { bytesPerSample: 1, samples: 1, present: 0 }).subarray(8);
  const head = Buffer.from('49492a0008000000', 'hex');
  const all = Buffer.concat([head, ...Array<Buffer>(pages).fill(page)]);
  for (let n = 1; n < pages; n++) all.writeUInt32LE(8 + n * page.length, 8 + n * page.length - 4);
  return all;
}
