import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredItem } from '../../batches/store/payload.ts';
import { readImageFile } from '../../images/file.ts';
import type { BatchItem, ImageSource } from '../../shared/contracts/item.ts';
import { type ItemError, itemError, toItemError } from '../../shared/errors.ts';

/** What becomes of images that a row names by their path on this machine. */
export interface LocalImages {
  /**
   * The item as it goes elsewhere, with an image from this machine as base64.
   * @returns the item with its failure, when the image cannot be had.
   */
  inline(item: StoredItem): Promise<StoredItem>;
  /** The same for a process on this machine that reads images below {@link directory} itself. */
  asFile(item: StoredItem): StoredItem;
  /** A failure to read the image of an item, in the words of this machine. */
  explain(item: StoredItem, error: ItemError): ItemError;
  /** Images are looked for here, and nowhere outside. */
  directory: string;
}

/** Longer than any path; what is longer is an inline image. */
const longestPath = 4096;
const imageName = /\.(jpe?g|jfif|png|webp|gif|avif|heif|heic|tiff?|bmp)$/i;

/**
 * @param directory that relative paths count from. A list from somebody else must not lead to other files of this
 * machine, so nothing outside of it is read.
 */
export function localImages(directory: string, maxBytes: number): LocalImages {
  const root = resolve(directory);
  return {
    directory: root,
    async inline(item) {
      const path = pathOf(item);
      if (path === undefined) return item;
      try {
        const bytes = await readImageFile(path, [root], maxBytes);
        const { image } = item as BatchItem;
        const base64 = Buffer.from(bytes).toString('base64');
        return { ...(item as BatchItem), image: { base64, path: typeof image === 'string' ? image : path } };
      } catch (error) {
        return { ...item, error: reworded(toItemError(error), path, root) };
      }
    },
    asFile: asServerFile,
    explain(item, error) {
      const path = pathOf(item);
      return path === undefined ? error : reworded(error, path, root);
    },
  };
}

/** Items for a service that can read these paths, below its own IMAGE_FILE_ROOTS. */
export function asServerFile(item: StoredItem): StoredItem {
  const path = pathOf(item);
  return path === undefined ? item : { ...(item as BatchItem), image: { file: path } };
}

/** A string that is neither an address nor data is a path when it is called like an image. */
function pathOf(item: StoredItem): string | undefined {
  if ('error' in item || typeof item.image !== 'string') return undefined;
  return imagePath(item.image);
}

export function imagePath(image: ImageSource): string | undefined {
  if (typeof image !== 'string') return undefined;
  const source = image.trim();
  if (source.length > longestPath || /^(https?|data):/i.test(source)) return undefined;
  if (URL.canParse(source) && new URL(source).protocol === 'file:') return fromFileUrl(source);
  return imageName.test(source) ? source : undefined;
}

/** Of the same code. */
function reworded(error: ItemError, path: string, root: string): ItemError {
  if (error.code === 'image.file.not_found') return itemError(error.code, `There is no file ${path} in ${root}`);
  if (error.code !== 'image.file.refused') return error;
  return itemError(error.code, `${path} is not a file in ${root} that can be read; --images names another directory`);
}

/** An address that leads to no path of this machine stays as it is, and is not found. */
function fromFileUrl(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    return address;
  }
}
