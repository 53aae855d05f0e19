import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJson } from '../files.ts';

const manifestFile = z.object({
  version: z.literal(1),
  model: z.string(),
  revision: z.string(),
  pulledAt: z.string(),
  /** By path in the directory of the model. */
  files: z.record(
    z.string(),
    z.object({
      bytes: z.int().min(0),
      sha256: z.string(),
      /** The origin of the file, as `<repository>@<commit>:<path>`. */
      from: z.string(),
      checkedAgainst: z.enum(['registry', 'hub', 'nothing']),
    }),
  ),
});

/** A record of the downloaded files of a model, stored next to them. */
export type Manifest = z.output<typeof manifestFile>;
export type ManifestEntry = Manifest['files'][string];

export const manifestName = 'manifest.json';

/** Returns undefined when there is no readable manifest. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  try {
    return manifestFile.parse(JSON.parse(await readFile(join(directory, manifestName), 'utf8')));
  } catch {
    return undefined;
  }
}

export const writeManifest = (directory: string, manifest: Manifest): Promise<void> =>
  writeJson(join(directory, manifestName), manifest);

/** Returns the commit of the files of a repository; undefined when the hub did not state it. */
export function commitIn({ files }: Manifest, repo: string): string | undefined {
  const commits = Object.values(files).flatMap(({ from }) => {
    const [, place, commit] = /^(.+?)@([0-9a-f]{40}):/.exec(from) ?? [];
    return place === repo && commit !== undefined ? [commit] : [];
  });
  return commits[0];
}
