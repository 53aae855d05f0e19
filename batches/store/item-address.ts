import { fileFormat } from '../../shared/file-format.ts';
import { mayBeBase64 } from '../../shared/image-paths.ts';
import { isPath } from '../../shared/path-source.ts';
import type { StoredItem } from './payload.ts';

/** The maximum length of an image address or path in responses, in UTF-16 units. */
const maxLength = 2_048;

/** Returns the HTTP address of the image of an item, or null if it has none, or one that is too long. */
export function addressOf(item: StoredItem | undefined): string | null {
  if (item === undefined || 'error' in item) return null;
  const { image } = item;
  const address = typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return /^https?:/i.test(address) && address.length <= maxLength ? address : null;
}

/** Returns the path with which the image of an item was posted; undefined if it has none, or one that is too long. */
export function pathOf(item: StoredItem | undefined): string | undefined {
  const path = pathIn(item?.image);
  return path === undefined || path.length > maxLength ? undefined : path;
}

/** Returns the image that was posted as bytes: base64 or a data URI. Returns undefined for any other source. */
export function inlineOf(item: StoredItem | undefined): string | undefined {
  if (item === undefined || 'error' in item) return undefined;
  const { image } = item;
  if (typeof image !== 'string') return 'base64' in image ? image.base64 : undefined;
  if (/^\s*data:/i.test(image)) return image;
  return /^\s*[a-z][a-z0-9+.-]{1,30}:/i.test(image) || isNoImage(image) || image === '' ? undefined : image;
}

/** Returns true if the service reads the image of an item from its own disk. */
export const isServedFile = (item: StoredItem | undefined): boolean =>
  item !== undefined && !('error' in item) && typeof item.image === 'object' && 'file' in item.image;

/** The length of the base64 text in which the format of an image shows. */
const headLength = 64;

/** Returns the part of a data URI before its base64; an empty text for plain base64. */
const prefixOf = (inline: string): string => /^data:[^,]{0,1000};\s*base64\s*,\s*/i.exec(inline)?.[0] ?? '';

/** Returns true if the item has the bytes of an image that the service decodes. Reads only its first bytes. */
export function hasStoredImage(item: StoredItem | undefined): boolean {
  const inline = inlineOf(item)?.trimStart() ?? '';
  const prefix = prefixOf(inline);
  const head = inline.slice(prefix.length, prefix.length + headLength);
  const plain =
    prefix === ''
      ? head
      : head.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return fileFormat(Buffer.from(plain, 'base64'))?.isDecoded === true;
}

/** Returns an item for results, which need only the beginning of a long image that was posted as bytes. */
export function withoutBytes(item: StoredItem): StoredItem {
  const inline = inlineOf(item)?.trimStart();
  if (inline === undefined || inline.length <= maxLength || 'error' in item) return item;
  const { image } = item;
  const path = typeof image === 'object' && 'base64' in image ? image.path : undefined;
  const end = prefixOf(inline).length + headLength;
  return { ...item, image: { base64: copyOf(inline.slice(0, end)), ...(path !== undefined && { path }) } };
}

/** A slice would keep the whole text in memory. */
const copyOf = (text: string): string => Buffer.from(text).toString();

function pathIn(image: StoredItem['image']): string | undefined {
  if (image === undefined) return undefined;
  // With `imagesFrom`, a number is an index.
  if (typeof image === 'string') return isNoImage(image) && !/^\s*\d+\s*$/.test(image) ? image : undefined;
  if ('file' in image) return image.file;
  return 'base64' in image ? image.path : undefined;
}

/** Returns true if a string is neither an address nor the bytes of an image. The loader decides by the same functions. */
const isNoImage = (image: string): boolean =>
  image.length <= maxLength && !/^\s*(https?|data):/i.test(image) && (isPath(image) || !mayBeBase64(image));
