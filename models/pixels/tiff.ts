import { ServiceError } from '../../shared/errors.ts';

/** Tags of a TIFF's first page that determine how samples are read, with the numbers of TIFF 6.0. */
export interface TiffTags {
  photometric: number;
  compression: number;
  /**
   * The first ExtraSamples value: 0 unspecified, 1 associated alpha, 2 unassociated alpha. Undefined without this tag.
   */
  extraSample: number | undefined;
}

const photometricTag = 262;
const compressionTag = 259;
const extraSamplesTag = 338;

const jpegCompressions = new Set([6, 7]);
/** Compressions that the bundled libtiff does not support, or libvips cannot read row by row. */
const unreadCompressions = new Map([
  [33003, 'JPEG 2000'],
  [33005, 'JPEG 2000'],
  [34661, 'JBIG'],
  [34712, 'JPEG 2000'],
  [34925, 'LZMA'],
  [50000, 'Zstandard'],
  [50002, 'JPEG XL'],
  [52546, 'JPEG XL'],
]);
/** Colour spaces that libvips would wrongly read as RGB. */
const unreadPhotometrics = new Map([
  [8, 'CIELab'],
  [9, 'ICCLab'],
  [10, 'ITULab'],
  [32803, 'camera raw'],
  [32844, 'LogL'],
  [32845, 'LogLuv'],
  [34892, 'linear raw'],
]);

export const paletteTiff = 3;
const yCbCr = 6;

interface Directory {
  /** The byte offset of the first entry. `count` is the number of entries. */
  first: number;
  count: number;
}

interface Reader {
  isLittle: boolean;
  isBig: boolean;
  view: DataView;
  /** The offset of the first directory (the tags of a page). */
  start: number;
}

function open(bytes: Uint8Array): Reader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 16) return undefined;
  const order = view.getUint16(0);
  const isLittle = order === 0x4949;
  const version = view.getUint16(2, isLittle);
  if (!(isLittle || order === 0x4d4d) || !(version === 42 || version === 43)) return undefined;
  const isBig = version === 43;
  return { isLittle, isBig, view, start: offsetAt({ isLittle, isBig, view }, isBig ? 8 : 4) };
}

const offsetAt = ({ isLittle, isBig, view }: Omit<Reader, 'start'>, at: number): number =>
  isBig ? Number(view.getBigUint64(at, isLittle)) : view.getUint32(at, isLittle);

/** Yields one directory per page, endlessly if the last one points back. */
function* directories(reader: Reader): Generator<Directory> {
  const { view, isLittle, isBig } = reader;
  const [countBytes, entryBytes, offsetBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  let at = reader.start;
  while (at > 0 && at + countBytes <= view.byteLength) {
    const count = isBig ? Number(view.getBigUint64(at, isLittle)) : view.getUint16(at, isLittle);
    const first = at + countBytes;
    yield { first, count };
    const next = first + count * entryBytes;
    if (next + offsetBytes > view.byteLength) return;
    at = offsetAt(reader, next);
  }
}

/** Returns the number of pages, at most `limit` + 1; 0 without a TIFF. */
export function countPages(bytes: Uint8Array, limit: number): number {
  const reader = open(bytes);
  if (reader === undefined) return 0;
  let pages = 0;
  for (const _page of directories(reader)) if (++pages > limit) break;
  return pages;
}

/** The maximum number of entries that are read from a directory. Real files have fewer. */
const maxEntries = 1_000;

/** Returns the tags of the first page; undefined without a TIFF. */
export function readTiffTags(bytes: Uint8Array): TiffTags | undefined {
  const reader = open(bytes);
  if (reader === undefined) return undefined;
  const { view, isLittle, isBig } = reader;
  const tags = new Map<number, number>();
  const entryBytes = isBig ? 20 : 12;
  for (const { first, count } of directories(reader)) {
    for (let entry = 0; entry < Math.min(count, maxEntries); entry++) {
      const at = first + entry * entryBytes;
      if (at + entryBytes > view.byteLength) break;
      // These tags have the type SHORT. Values that do not fit into an entry are stored at an offset.
      const values = isBig ? Number(view.getBigUint64(at + 4, isLittle)) : view.getUint32(at + 4, isLittle);
      const inline = at + (isBig ? 12 : 8);
      const place = values * 2 <= (isBig ? 8 : 4) ? inline : offsetAt(reader, inline);
      if (place + 2 <= view.byteLength) tags.set(view.getUint16(at, isLittle), view.getUint16(place, isLittle));
    }
    break;
  }
  return {
    photometric: tags.get(photometricTag) ?? 0,
    compression: tags.get(compressionTag) ?? 1,
    extraSample: tags.get(extraSamplesTag),
  };
}

/**
 * Refuses a TIFF that libvips cannot read, or would read with wrong colours.
 * @throws {ServiceError} `image.unsupported_format`
 */
export function checkTiff({ photometric, compression }: TiffTags): void {
  const refuse = (kind: string) => {
    throw new ServiceError('image.unsupported_format', `TIFF with ${kind} is not supported; convert it to PNG or JPEG`);
  };
  const packing = unreadCompressions.get(compression);
  if (packing !== undefined) refuse(`${packing} compression`);
  const colours = unreadPhotometrics.get(photometric);
  if (colours !== undefined) refuse(`${colours} colours`);
  if (photometric === yCbCr && !jpegCompressions.has(compression)) refuse('YCbCr colours outside JPEG compression');
}
