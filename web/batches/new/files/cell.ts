import { isImage } from '../../../../formats/signatures.ts';

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

function cellOfBytes(bytes: Uint8Array): Cell {
  if (isImage(bytes)) return new Blob([new Uint8Array(bytes)]);
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
