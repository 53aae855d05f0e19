import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const manifestFile = z.object({
  version: z.literal(1),
  model: z.string(),
  revision: z.string(),
  pulledAt: z.string(),
  /** By the name under the model's directory. */
  files: z.record(
    z.string(),
    z.object({
      bytes: z.int().min(0),
      sha256: z.string(),
      /** `<repository>@<commit>:<path>`, or `written` for what no repository has. */
      from: z.string(),
      /** What the hash was compared with when the file arrived. */
      checkedAgainst: z.enum(['registry', 'hub', 'nothing']),
      /** It was verified as it came, and then completed with facts of the registry; the hash is of the result. */
      completed: z.boolean().default(false),
    }),
  ),
});

/** What was pulled, kept beside the files. */
export type Manifest = z.output<typeof manifestFile>;
export type ManifestEntry = Manifest['files'][string];

export const manifestName = 'manifest.json';

/** The manifest of a model's directory, or nothing where there is none that can be read. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  try {
    return manifestFile.parse(JSON.parse(await readFile(join(directory, manifestName), 'utf8')));
  } catch {
    return undefined;
  }
}

export const writeManifest = (directory: string, manifest: Manifest): Promise<void> =>
  writeJson(join(directory, manifestName), manifest);

/** Writes beside the file and renames, so that a reader sees the old content or the new. */
export async function writeJson(path: string, content: unknown): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
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
