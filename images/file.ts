import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { ServiceError } from '../shared/errors.ts';

/**
 * Reads an image below one of the configured roots, by its real path: a symbolic link or `..` that leads out is
 * refused, and so is anything but a regular file.
 * @throws {ServiceError} `image.file.refused`, `image.file.not_found`, `image.too_large`
 */
export async function readImageFile(path: string, roots: readonly string[], maxBytes: number): Promise<Uint8Array> {
  if (roots.length === 0) throw refused('Image files are off; IMAGE_FILE_ROOTS names the directories to read from');
  if (path.includes('\0')) throw refused('The path contains a NUL character');
  // By its spelling first: a path outside is refused without a look at the disk, so nobody can probe for files there.
  const candidates = roots
    .map((root) => resolve(root, path))
    .filter((file) => roots.some((root) => isInside(file, root)));
  if (candidates.length === 0) throw refused(`${path} is outside IMAGE_FILE_ROOTS`);
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real === undefined) continue;
    if (!(await isBelow(real, roots))) throw refused(`${path} leads out of IMAGE_FILE_ROOTS`);
    return await readRegularFile(real, maxBytes);
  }
  throw new ServiceError('image.file.not_found', `There is no file ${path} below IMAGE_FILE_ROOTS`);
}

async function isBelow(real: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot !== undefined && isInside(real, realRoot)) return true;
  }
  return false;
}

const isInside = (path: string, root: string) => path.startsWith(root.endsWith(sep) ? root : root + sep);

async function readRegularFile(real: string, maxBytes: number): Promise<Uint8Array> {
  // O_NONBLOCK: opening a FIFO without a writer would otherwise wait for ever.
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => {
    throw refused('The file cannot be opened');
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw refused('Only regular files are read');
    if (stat.size > maxBytes) throw new ServiceError('image.too_large', `The file has more than ${maxBytes} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const refused = (message: string) => new ServiceError('image.file.refused', message);
