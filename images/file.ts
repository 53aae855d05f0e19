import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { ServiceError } from '../shared/errors.ts';

/**
 * Reads a regular file below a root directory. Refuses symbolic links and `..` that lead out.
 * @throws {ServiceError} `image.file.refused`, `image.file.not_found`, `image.too_large`
 */
export async function readImageFile(path: string, roots: readonly string[], maxBytes: number): Promise<Uint8Array> {
  if (roots.length === 0)
    throw refused('This service reads no image files; an operator can allow directories with IMAGE_FILE_ROOTS');
  if (path.includes('\0')) throw refused('The path contains a NUL character');
  // The path is checked as text first, because access to the disk would reveal which files exist outside the roots.
  const candidates = roots
    .map((root) => resolve(root, path))
    .filter((file) => roots.some((root) => isInside(file, root)));
  if (candidates.length === 0) throw refused(`${path} is outside IMAGE_FILE_ROOTS`);
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  const isBelow = (real: string) => realRoots.some((root) => root !== undefined && isInside(real, root));
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real === undefined) continue;
    // Opening a device may already have an effect, so the file is checked first.
    if (!isBelow(real)) throw leadsOut(path);
    const found = await stat(real).catch(() => undefined);
    if (found?.isDirectory()) throw refused(directoryMessage(path));
    if (!found?.isFile()) throw notRegular();
    return await readRegularFile(real, maxBytes, (opened) => {
      if (!isBelow(opened)) throw leadsOut(path);
    });
  }
  throw new ServiceError('image.file.not_found', `There is no file ${path} below IMAGE_FILE_ROOTS`);
}

/** Returns the message for the path of a directory. */
export const directoryMessage = (path: string): string => `${path} is a directory, not an image file`;

const isInside = (path: string, root: string) => path.startsWith(root.endsWith(sep) ? root : root + sep);

/** @param check receives the path of the file that was actually opened. */
async function readRegularFile(real: string, maxBytes: number, check: (opened: string) => void): Promise<Uint8Array> {
  // Opening a FIFO without a writer would wait forever without O_NONBLOCK.
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => {
    throw refused('The image file cannot be opened');
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

/** Returns the path of an open file. A link may have replaced one of its directories before it was opened. */
async function pathOf(file: FileHandle, opened: string): Promise<string> {
  // Linux reports the path of an open file. On other systems the checked path must still lead to the open file.
  const known = await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined);
  if (known !== undefined) return known;
  const again = await realpath(opened).catch(() => undefined);
  const [there, here] = await Promise.all([again && stat(again), file.stat()]);
  if (!again || !there || there.ino !== here.ino || there.dev !== here.dev)
    throw refused('The image file was replaced while it was opened; retry');
  return again;
}

/**
 * Reads a file of at most `maxBytes`, which may grow while it is read.
 * @throws {ServiceError} `image.too_large`
 */
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

const tooLarge = (maxBytes: number) => new ServiceError('image.too_large', `The image file exceeds ${maxBytes} bytes`);

const notRegular = () => refused('The image path does not lead to a regular file');

const leadsOut = (path: string) => refused(`${path} leads outside IMAGE_FILE_ROOTS`);

const refused = (message: string) => new ServiceError('image.file.refused', message);
