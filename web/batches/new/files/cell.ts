import { fileFormat } from '../../../../shared/file-format.ts';
import { looksLikeAddress, looksLikeImage, looksLikePath, shortestBase64 } from '../../../../shared/image-paths.ts';
import { formatOfBase64 } from '../../../../shared/path-source.ts';

/** A value in a row of a file: text, or an image whose bytes are in the file. */
export type Cell = string | Blob;

/** Converts a value from JSON or Parquet to a cell. An object with bytes counts as its bytes. */
export function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return cellOfBytes(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return String(value);
  const { bytes, path } = value as { bytes?: unknown; path?: unknown };
  if (bytes instanceof Uint8Array) return cellOfBytes(bytes);
  if ('bytes' in value && path !== undefined && path !== null) return cellOf(path);
  return JSON.stringify(value, (_key, part) =>
    typeof part === 'bigint' ? Number(part) : part instanceof Uint8Array ? cellText(cellOfBytes(part)) : part,
  );
}

/** Shorter bytes may begin like an image, but have no pixels. The smallest GIF has 26 bytes. */
const smallestImage = 26;

function cellOfBytes(bytes: Uint8Array): Cell {
  if (bytes.length >= smallestImage && fileFormat(bytes)?.isDecoded) return new Blob([new Uint8Array(bytes)]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return `${bytes.length} bytes`;
  }
}

/** The text of a cell that is an image. */
export const imageInFile = 'data:image/';

export const cellText = (cell: Cell): string => (typeof cell === 'string' ? cell : imageInFile);

/** Returns the http(s) address in a cell of images; undefined if there is none. */
export function webAddressOf(cell: Cell): string | undefined {
  if (typeof cell !== 'string') return undefined;
  const address = cell.trim();
  return /^https?:\/\/./i.test(address) ? address : undefined;
}

/** Returns true if a cell may be the source of an image. */
export function mayBeImage(cell: Cell): boolean {
  if (typeof cell !== 'string') return true;
  const source = cell.trim();
  // NDJSON may have an object with the image.
  if (source.startsWith('{')) return true;
  if (source.length >= shortestBase64 && /^[\w+/=\s-]+$/.test(source)) return true;
  if (formatOfBase64(source)?.isDecoded) return true;
  return looksLikeImage(source) || looksLikeAddress(source) || looksLikePath(source);
}
