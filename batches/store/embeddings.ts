import {
  type EmbeddingKind,
  type EmbeddingPrecision,
  type Kept,
  kindsOf,
  numberBytes,
} from '../../shared/contracts/batch/embeddings.ts';

/** The options that state which embeddings a batch stores. */
export interface KeptEmbeddings {
  embeddings?: Kept | undefined;
  embeddingPrecision?: EmbeddingPrecision | undefined;
  /** The number of values in an embedding. */
  dimensions?: number | undefined;
}

/** The image embedding and the text embedding of a pair. */
export type PairEmbeddings = Record<EmbeddingKind, Float32Array>;

/** The embeddings of a chunk as bytes. For each stored kind (image, text), a row of numbers for each item. */
export type EmbeddingPieces = Partial<Record<EmbeddingKind, Buffer>>;

/** Returns the number of bytes that the embeddings of one item take. */
export const keptBytes = ({ embeddings, embeddingPrecision = 'float16', dimensions = 0 }: KeptEmbeddings): number =>
  embeddings === undefined ? 0 : kindsOf(embeddings).length * dimensions * numberBytes[embeddingPrecision];

/**
 * The first byte of the stored embeddings of a chunk, which states the type of their numbers. They are not compressed,
 * because the bits of embeddings are almost random. The values here differ from the first byte of a reference to a
 * bucket; see payload-store.ts.
 */
const marks: Record<EmbeddingPrecision, number> = { float16: 1, float32: 2 };

/**
 * Encodes the embeddings of a chunk, separately for each stored kind (image, text). Each item has a row of numbers; all
 * numbers in the row of an item without embeddings are NaN.
 * @param pairs the embeddings of the items, in their order; undefined for an item without a score.
 */
export function encodeEmbeddings(
  { embeddings, embeddingPrecision = 'float16', dimensions = 0 }: KeptEmbeddings,
  pairs: readonly (PairEmbeddings | undefined)[],
): EmbeddingPieces {
  if (embeddings === undefined) return {};
  const pieces = kindsOf(embeddings).map((kind) => {
    const numbers = newNumbers(embeddingPrecision, pairs.length * dimensions).fill(Number.NaN);
    for (const [at, pair] of pairs.entries()) if (pair !== undefined) numbers.set(pair[kind], at * dimensions);
    return [kind, Buffer.concat([Buffer.from([marks[embeddingPrecision]]), bytesOf(numbers)])] as const;
  });
  return Object.fromEntries(pieces);
}

/**
 * Returns the rows (embeddings) of a chunk as little-endian bytes, without the first byte, which states the type of the
 * numbers. Throws when the type is not the expected one.
 */
export function rowsOf(piece: Buffer, precision: EmbeddingPrecision): Buffer {
  if (piece[0] !== marks[precision])
    throw new Error('The number type of stored embeddings differs from the type that their batch states');
  return piece.subarray(1);
}

/** Converts rows (embeddings) from bytes to 32-bit floats. */
export function toFloat32(rows: Buffer, precision: EmbeddingPrecision): Float32Array {
  // The bytes are copied, because they may not be aligned.
  const { buffer } = new Uint8Array(rows);
  return precision === 'float32' ? new Float32Array(buffer) : Float32Array.from(new Float16Array(buffer));
}

/** Returns the bytes of rows for items without embeddings: every number in them is NaN. */
export const absentRows = (precision: EmbeddingPrecision, numbers: number): Buffer =>
  bytesOf(newNumbers(precision, numbers).fill(Number.NaN));

type Numbers = Float16Array | Float32Array;

// A Float16Array rounds half to even, as IEEE 754 defines, including subnormal numbers.
const newNumbers = (precision: EmbeddingPrecision, length: number): Numbers =>
  precision === 'float16' ? new Float16Array(length) : new Float32Array(length);

const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers): Buffer => Buffer.from(buffer, byteOffset, byteLength);
