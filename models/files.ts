import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/**
 * Writes beside the file and renames, so that a reader sees the old content or the new. Not named by the process: in
 * containers that share a directory every process has the id 1.
 */
export async function writeJson(path: string, content: unknown): Promise<void> {
  const beside = `${path}.${randomUUID()}.new`;
  await writeFile(beside, `${JSON.stringify(content, null, 2)}\n`);
  await rename(beside, path);
}

export interface Digest {
  bytes: number;
  sha256: string;
  /** What git calls a file with this content: SHA-1 over its length and content. */
  gitBlob: string;
}

/** Reads a file and says what it is. `bytes` is its length as known before, which git hashes first. */
export async function digestOf(path: string, bytes: number): Promise<Digest> {
  const sha256 = createHash('sha256');
  const gitBlob = createHash('sha1').update(`blob ${bytes}\0`);
  // Git keeps small files; the second hash is not worth its time on a gigabyte.
  const isSmall = bytes < 64 * 1024 * 1024;
  let read = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    sha256.update(chunk);
    if (isSmall) gitBlob.update(chunk);
    read += (chunk as Buffer).length;
  }
  return { bytes: read, sha256: sha256.digest('hex'), gitBlob: isSmall ? gitBlob.digest('hex') : '' };
}
