import { expect, test } from 'vitest';
import { encodeEmbeddings, rowsOf, toFloat32 } from '../../../batches/store/embeddings.ts';
import { npyHeader } from '../../../formats/embeddings/npy.ts';

test('the header is that of version 1.0, and its numbers begin at a multiple of 64 bytes', () => {
  const header = npyHeader('float16', 1_000_000, 512);
  expect(header.subarray(0, 10)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0x76, 0]));
  expect(header.length).toBe(128);
  expect(header.subarray(10).toString('latin1')).toBe(
    `${"{'descr': '<f2', 'fortran_order': False, 'shape': (1000000, 512), }".padEnd(117)}\n`,
  );
  expect(npyHeader('float32', 0, 3).toString('latin1')).toContain(
    "'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)",
  );
});

test('float16 is rounded half to even, also among subnormal numbers, and an item without embeddings has a row of NaN', () => {
  // 2^-24 is the smallest subnormal number. 1 + 2^-11 and 1 + 3 * 2^-11 lie half way between two numbers.
  const image = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 2 ** -24, -0.1);
  const keeps = { embeddings: 'image', embeddingPrecision: 'float16', dimensions: 6 } as const;
  const { image: piece, text } = encodeEmbeddings(keeps, [{ image, text: image }, undefined]);
  if (piece === undefined) throw new Error('no piece');
  expect(text).toBeUndefined();
  const rows = rowsOf(piece, 'float16');
  expect([0, 2, 4, 6, 8, 10].map((at) => rows.readUInt16LE(at))).toEqual([0x3c00, 0x3c02, 0, 2, 1, 0xae66]);
  expect(toFloat32(rows, 'float16').subarray(6).every(Number.isNaN)).toBe(true);
});
