import type { FormatName } from '../shared/formats.ts';

/** The kind of a file, according to its first bytes. */
export type Recognised = { format: Extract<FormatName, 'parquet' | 'tar'> } | { isGzip: true } | UnusableKind;

/** A file that cannot become a batch. */
export interface UnusableKind {
  /** The name with its article. */
  kind: string;
  /** The action that turns the file into a batch. */
  advice: string;
  isImage?: true;
}

const image = (kind: string) =>
  ({ kind, advice: 'To score many images, pack them into a tar, or list their addresses.', isImage: true }) as const;
const asTable = 'Save it as CSV, NDJSON or Parquet.';
const asPlain = 'Decompress it first. Of compressed files, only gzip can be read.';

/**
 * The signatures of files that users often drop: bytes as Latin-1, and their offset. A header of a table, such as
 * `ORCID,image,text`, matches none.
 */
const signatures: readonly [start: string | RegExp, offset: number, recognised: Recognised][] = [
  [/^PAR1(?![,;|_"\t])/, 0, { format: 'parquet' }],
  ['ustar', 257, { format: 'tar' }],
  ['\x1f\x8b', 0, { isGzip: true }],
  ['\x89PNG', 0, image('a PNG image')],
  ['\xff\xd8\xff', 0, image('a JPEG image')],
  [/^GIF8[79]a/, 0, image('a GIF image')],
  ['WEBP', 8, image('a WebP image')],
  ['ftypavif', 4, image('an AVIF image')],
  ['ftyphei', 4, image('a HEIC image')],
  ['ftypmif1', 4, image('a HEIF image')],
  ['II*\0', 0, image('a TIFF image')],
  ['MM\0*', 0, image('a TIFF image')],
  ['ftyp', 4, { kind: 'a video', advice: 'Save its frames as images.' }],
  ['%PDF-', 0, { kind: 'a PDF document', advice: asTable }],
  [
    'PK\x03\x04',
    0,
    { kind: 'an Excel workbook or a ZIP archive', advice: 'Save a workbook as CSV; pack images into a tar.' },
  ],
  ['\xd0\xcf\x11\xe0', 0, { kind: 'an old Excel workbook', advice: 'Save it as CSV.' }],
  ['ARROW1\0\0', 0, { kind: 'an Arrow (Feather) file', advice: 'Save it as Parquet.' }],
  ['\xff\xff\xff\xff\x10\0\0\0', 0, { kind: 'an Arrow stream', advice: 'Save it as Parquet.' }],
  [/^ORC[^\w\s.,;:|"'-]/, 0, { kind: 'an ORC file', advice: 'Save it as Parquet.' }],
  ['Obj\x01', 0, { kind: 'an Avro file', advice: 'Save it as Parquet.' }],
  ['SQLite format 3\0', 0, { kind: 'an SQLite database', advice: 'Export a table as CSV.' }],
  ['\x93NUMPY', 0, { kind: 'a NumPy array', advice: asTable }],
  ['\x89HDF', 0, { kind: 'an HDF5 file', advice: asTable }],
  ['\x28\xb5\x2f\xfd', 0, { kind: 'compressed with Zstandard', advice: asPlain }],
  [/^BZh[1-9]1AY&SY/, 0, { kind: 'compressed with bzip2', advice: asPlain }],
  ['\xfd7zXZ', 0, { kind: 'compressed with xz', advice: asPlain }],
  ['7z\xbc\xaf', 0, { kind: 'a 7z archive', advice: asPlain }],
  ['Rar!\x1a\x07', 0, { kind: 'a RAR archive', advice: asPlain }],
];

/** The kind of a file that is not text and has no known signature. */
export const unknownKind: UnusableKind = { kind: 'a binary file of an unknown kind', advice: asTable };

/** The number of bytes in which signatures and control characters are searched. */
export const lookedAt = 1_024;

/** Returns the kind of a file by its first bytes; undefined for text. */
export function recognise(bytes: Uint8Array): Recognised | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, lookedAt));
  const found = signatures.find(([signature, offset]) =>
    typeof signature === 'string' ? start.startsWith(signature, offset) : signature.test(start),
  );
  if (found !== undefined) return found[2];
  return isText(bytes.subarray(0, lookedAt)) ? undefined : unknownKind;
}

/**
 * Returns false for bytes with control characters that text does not contain. In UTF-16, the bytes at even or at odd
 * offsets may be zero.
 */
function isText(bytes: Uint8Array): boolean {
  const zeros = [0, 0];
  let controls = 0;
  for (const [at, byte] of bytes.entries()) {
    if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
    else if (byte < 0x20 && !(byte >= 0x07 && byte <= 0x0d) && byte !== 0x1a && byte !== 0x1b) controls++;
  }
  const [even = 0, odd = 0] = zeros;
  return controls * 50 <= bytes.length && (even === 0 || odd === 0 || Math.max(even, odd) > 4 * Math.min(even, odd));
}
