import {
  type EmbeddingKind,
  type EmbeddingPrecision,
  type Kept,
  kindsOf,
  numberBytes,
} from '../../shared/contracts/batch/embeddings.ts';

export interface KeptEmbeddings {
  embeddings?: Kept | undefined;
  embeddingPrecision?: EmbeddingPrecision | undefined;
  /** The number of values in an embedding. */
  dimensions?: number | undefined;
}

export type PairEmbeddings = Record<EmbeddingKind, Float32Array>;

/** The embeddings of a chunk as bytes, by kind: a row of numbers for each item. */
export type EmbeddingPieces = Partial<Record<EmbeddingKind, Buffer>>;

/** Returns the bytes that the embeddings of one item take. */
export const keptBytes = ({ embeddings, embeddingPrecision = 'float16', dimensions = 0 }: KeptEmbeddings): number =>
  embeddings === undefined ? 0 : kindsOf(embeddings).length * dimensions * numberBytes[embeddingPrecision];

/**
 * The first byte of stored embeddings: their number type. It differs from that of a reference to a bucket; see
 * payload-store.ts. Embeddings are not compressed, because their bits are almost random.
 */
const marks: Record<EmbeddingPrecision, number> = { float16: 1, float32: 2 };

/**
 * Encodes the embeddings of a chunk for each stored kind. The row of an item without embeddings is NaN.
 * @param pairs in the order of the items; undefined for an item without a score.
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

/** Returns the rows of a chunk as little-endian bytes. Throws when their number type is not the expected one. */
export function rowsOf(piece: Buffer, precision: EmbeddingPrecision): Buffer {
  if (piece[0] !== marks[precision])
    throw new Error('The number type of stored embeddings differs from the type that their batch states');
  return piece.subarray(1);
}

export function toFloat32(rows: Buffer, precision: EmbeddingPrecision): Float32Array {
  // Copied, because the bytes may not be aligned.
  const { buffer } = new Uint8Array(rows);
  return precision === 'float32' ? new Float32Array(buffer) : Float32Array.from(new Float16Array(buffer));
}

/** Returns the bytes of absent rows: NaN. */
export const absentRows = (precision: EmbeddingPrecision, numbers: number): Buffer =>
  bytesOf(newNumbers(precision, numbers).fill(Number.NaN));

type Numbers = Float16Array | Float32Array;

// A Float16Array rounds half to even, as IEEE 754 defines, including subnormal numbers.
const newNumbers = (precision: EmbeddingPrecision, length: number): Numbers =>
  precision === 'float16' ? new Float16Array(length) : new Float32Array(length);

const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers): Buffer => Buffer.from(buffer, byteOffset, byteLength);
