import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJson } from '../files.ts';

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
      /** `<repository>@<commit>:<path>` */
      from: z.string(),
      /** What the hash was compared with when the file arrived. */
      checkedAgainst: z.enum(['registry', 'hub', 'nothing']),
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
