import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
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
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  const isBelow = (real: string) => realRoots.some((root) => root !== undefined && isInside(real, root));
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real === undefined) continue;
    // Before it is opened: opening alone does something to some devices.
    if (!isBelow(real)) throw leadsOut(path);
    if (!(await stat(real).catch(() => undefined))?.isFile()) throw notRegular();
    return await readRegularFile(real, maxBytes, (opened) => {
      if (!isBelow(opened)) throw leadsOut(path);
    });
  }
  throw new ServiceError('image.file.not_found', `There is no file ${path} below IMAGE_FILE_ROOTS`);
}

const isInside = (path: string, root: string) => path.startsWith(root.endsWith(sep) ? root : root + sep);

/** @param check is given the path of what was really opened. */
async function readRegularFile(real: string, maxBytes: number, check: (opened: string) => void): Promise<Uint8Array> {
  // O_NONBLOCK: opening a FIFO without a writer would otherwise wait for ever.
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => {
    throw refused('The file cannot be opened');
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw notRegular();
    check(await pathOf(file, real));
    if (found.size > maxBytes) throw tooLarge(maxBytes);
    return await readAtMost(file, maxBytes);
  } finally {
    await file.close();
  }
}

/** Where an open file lies now: a directory of its path may have become a link since it was looked at. */
async function pathOf(file: FileHandle, opened: string): Promise<string> {
  // Linux knows it. Elsewhere the path is resolved again and must still lead to the same file.
  const known = await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined);
  if (known !== undefined) return known;
  const again = await realpath(opened).catch(() => undefined);
  const [there, here] = await Promise.all([again && stat(again), file.stat()]);
  if (!again || !there || there.ino !== here.ino || there.dev !== here.dev) throw refused('The file was exchanged');
  return again;
}

/** A file may grow while it is read, so its size at the start is no bound. */
async function readAtMost(file: FileHandle, maxBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(partBytes) });
    if (bytesRead === 0) return Buffer.concat(parts, size);
    size += bytesRead;
    if (size > maxBytes) throw tooLarge(maxBytes);
    parts.push(buffer.subarray(0, bytesRead));
  }
}

const partBytes = 256 * 1024;

const tooLarge = (maxBytes: number) => new ServiceError('image.too_large', `The file has more than ${maxBytes} bytes`);

const notRegular = () => refused('Only regular files are read');

const leadsOut = (path: string) => refused(`${path} leads out of IMAGE_FILE_ROOTS`);

const refused = (message: string) => new ServiceError('image.file.refused', message);
