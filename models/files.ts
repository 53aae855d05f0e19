import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';

/** Returns the size of a file in bytes; 0 when it does not exist. */
export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/** Writes JSON atomically. The temporary name is random, because processes in containers may all have the id 1. */
export async function writeJson(path: string, content: unknown): Promise<void> {
  const beside = `${path}.${randomUUID()}.new`;
  await writeFile(beside, `${JSON.stringify(content, null, 2)}\n`);
  await rename(beside, path);
}

export interface Digest {
  bytes: number;
  sha256: string;
  /** The git blob id: a SHA-1 of length and content. Empty for files of 64 MiB or more. */
  gitBlob: string;
}

/** Hashes a file. @param bytes its length, with which git's hash begins. */
export async function digestOf(path: string, bytes: number): Promise<Digest> {
  const sha256 = createHash('sha256');
  const gitBlob = createHash('sha1').update(`blob ${bytes}\0`);
  // Repositories store only small files as git blobs.
  const isSmall = bytes < 64 * 1024 * 1024;
  let read = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    sha256.update(chunk);
    if (isSmall) gitBlob.update(chunk);
    read += (chunk as Buffer).length;
  }
  return { bytes: read, sha256: sha256.digest('hex'), gitBlob: isSmall ? gitBlob.digest('hex') : '' };
}
