import type { EmbeddingPrecision } from '../../shared/contracts/batch/embeddings.ts';

const types: Record<EmbeddingPrecision, string> = { float16: '<f2', float32: '<f4' };

/** The number of bytes before the header text of a NumPy file. */
const beforeText = 10;
/** The offset of the array data is a multiple of this number of bytes. */
const alignment = 64;

/**
 * Returns the header of a NumPy file (format 1.0) for a two-dimensional array in C order.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function npyHeader(precision: EmbeddingPrecision, rows: number, columns: number): Buffer {
  const facts = `{'descr': '${types[precision]}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const length = Math.ceil((beforeText + facts.length + 1) / alignment) * alignment - beforeText;
  const header = Buffer.alloc(beforeText + length, ' ');
  header.write('\x93NUMPY', 0, 'latin1');
  header.writeUInt16LE(0x0001, 6);
  header.writeUInt16LE(length, 8);
  header.write(facts, beforeText, 'latin1');
  header.write('\n', header.length - 1, 'latin1');
  return header;
}
