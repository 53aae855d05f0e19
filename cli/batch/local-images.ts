import { lstat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredItem } from '../../batches/store/payload.ts';
import { directoryMessage, readImageFile } from '../../images/file.ts';
import type { BatchItem, ImageSource } from '../../shared/contracts/item.ts';
import { type ItemError, itemError, ServiceError, toItemError } from '../../shared/errors.ts';
import { describeNonImage, fileFormat } from '../../shared/file-format.ts';
import { hasImageEnding } from '../../shared/image-paths.ts';
import { isPath } from '../../shared/path-source.ts';

/** Prepares items whose image is a file on this machine. */
export interface LocalImages {
  /** Returns the item with its image as base64, or with an error if the image cannot be read. */
  inline(item: StoredItem): Promise<StoredItem>;
  /** Returns the item with its image as a path, for scoring in this process. */
  asFile(item: StoredItem): Promise<StoredItem>;
  /** Returns the error for the unreadable image of an item of {@link asFile}, with the directory. */
  explain(item: StoredItem, error: ItemError): ItemError;
  /** The only directory from which images are read. */
  directory: string;
}

/** The maximum length of a path in characters. A longer string counts as an inline image. */
const longestPath = 4096;
/** The maximum length of a value that is a path only if it names an existing file. */
const longestBareName = 255;

/**
 * Prepares items whose images are below one directory.
 * @param directory the base of relative paths. No file outside of it is read, because an untrusted list of pairs could
 * name any file of this machine.
 * @param maxBytes the maximum size of an image file.
 */
export function localImages(directory: string, maxBytes: number): LocalImages {
  const root = resolve(directory);
  const find = async (item: StoredItem): Promise<string | undefined> => pathOf(item) ?? (await bareName(item, root));
  return {
    directory: root,
    async inline(item) {
      const path = await find(item);
      if (path === undefined) return item;
      try {
        const bytes = await readImageFile(path, [root], maxBytes);
        // The ending of the name does not show that this file is an image, and other files must not leave this machine.
        if (!hasImageEnding(path) && !fileFormat(bytes)?.isDecoded)
          throw new ServiceError('image.unsupported_format', `${path} is not an image. ${describeNonImage(bytes)}`);
        const { image } = item as BatchItem;
        const base64 = Buffer.from(bytes).toString('base64');
        return { ...(item as BatchItem), image: { base64, path: typeof image === 'string' ? image : path } };
      } catch (error) {
        return { ...item, error: reworded(readError(error, path), path, root) };
      }
    },
    asFile: async (item) => withFile(item, await find(item)),
    explain(item, error) {
      const image = 'image' in item ? item.image : undefined;
      return typeof image === 'object' && 'file' in image ? reworded(error, image.file, root) : error;
    },
  };
}

/** Returns the item with the path of its image, which the service reads from its own disk below IMAGE_FILE_ROOTS. */
export const asServerFile = (item: StoredItem): StoredItem => withFile(item, pathOf(item));

const withFile = (item: StoredItem, path: string | undefined): StoredItem =>
  path === undefined ? item : { ...(item as BatchItem), image: { file: path } };

function pathOf(item: StoredItem): string | undefined {
  if ('error' in item || typeof item.image !== 'string') return undefined;
  return imagePath(item.image);
}

/**
 * Returns the image of an item if it names an existing file or directory below the root. Only the disk shows whether
 * several words are a text or a path.
 */
async function bareName(item: StoredItem, root: string): Promise<string | undefined> {
  if ('error' in item || typeof item.image !== 'string') return undefined;
  const name = item.image.trim();
  if (name.length > longestBareName || /^(https?|data):/i.test(name)) return undefined;
  const path = resolve(root, name);
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
  const found = await lstat(path).catch(() => undefined);
  return found && name;
}

/**
 * Returns the path in an image source, or undefined. A path is a `file:` URL, a string for which `isPath` returns true, or
 * one with the ending of an image file that is neither an http(s) URL nor a data URI.
 */
export function imagePath(image: ImageSource): string | undefined {
  if (typeof image !== 'string') return undefined;
  const source = image.trim();
  if (source.length > longestPath || /^(https?|data):/i.test(source)) return undefined;
  if (URL.canParse(source) && new URL(source).protocol === 'file:') return fromFileUrl(source);
  return hasImageEnding(source) || isPath(source) ? source : undefined;
}

/** Returns the error of a file that cannot be read, for example on a damaged disk. */
const readError = (error: unknown, path: string): ItemError =>
  error instanceof ServiceError
    ? toItemError(error)
    : itemError('image.source_invalid', `The file ${path} cannot be read: ${(error as Error).message}`);

function reworded(error: ItemError, path: string, root: string): ItemError {
  if (error.code === 'image.file.not_found') return itemError(error.code, `There is no file ${path} in ${root}`);
  if (error.code !== 'image.file.refused' || error.message === directoryMessage(path)) return error;
  if (resolve(root, path) === root) return itemError(error.code, directoryMessage(path));
  return itemError(error.code, `${path} is not a readable file in ${root}; name another directory with --images`);
}

/** Returns the path in a `file:` URL. A URL of another machine stays unchanged, so that no file is found for it. */
function fromFileUrl(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    return address;
  }
}
