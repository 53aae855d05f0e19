import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { gitBlob, type HubRepo, isLinked, sha256 } from './repository.ts';

/** The cache that the hub's own tools keep: blobs by their hashes, snapshots as links to them, and refs. */
export async function writeHubCache(root: string, name: string, { commit, files }: HubRepo): Promise<void> {
  const repository = join(root, `models--${name.replace('/', '--')}`);
  await mkdir(join(repository, 'refs'), { recursive: true });
  await writeFile(join(repository, 'refs', 'main'), commit);
  await mkdir(join(repository, 'blobs'), { recursive: true });
  for (const [path, bytes] of Object.entries(files)) {
    const blob = blobIn(root, name, path, bytes);
    await writeFile(blob, bytes);
    const link = join(repository, 'snapshots', commit, path);
    await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), blob), link);
  }
}

/** Returns the path of a file's content in the cache. */
export const blobIn = (root: string, name: string, path: string, bytes: Buffer): string =>
  join(root, `models--${name.replace('/', '--')}`, 'blobs', isLinked(path) ? sha256(bytes) : gitBlob(bytes));
