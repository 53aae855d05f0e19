import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sizeOf, writeJson } from '../files.ts';

/** Where the downloads of a model wait until it is complete. On the same disk, so that a rename is all it takes. */
export const stagingAt = (directory: string): string => `${directory}.partial`;

/** A pull says every so often that it runs, in milliseconds; one that has been silent for long has been ended. */
const signOfLifeMs = 5_000;
const silenceMs = 30_000;

const noteName = 'pull.json';
const note = z.object({ files: z.array(z.object({ local: z.string(), bytes: z.int().min(0).optional() })) });

/** A pull that says of itself that it runs. */
export interface Running {
  end(): Promise<void>;
}

/** Notes beside the downloads what is fetched, so that other processes can show it. */
export async function announce(
  staging: string,
  files: { local: string; bytes: number | undefined }[],
): Promise<Running> {
  const path = join(staging, noteName);
  await writeJson(path, { files });
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, signOfLifeMs);
  timer.unref();
  return {
    async end() {
      clearInterval(timer);
      // One that ends in good order leaves nothing; what has arrived says that it was interrupted.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

/** A pull as other processes see it. */
export interface SeenPull {
  /** `interrupted`: what has arrived waits for the next pull. */
  state: 'running' | 'interrupted';
  receivedBytes: number;
  /** Of all files, where they are known. */
  bytes: number | null;
}

/** The pull that will fill this directory; nothing where there is none. */
export async function seePull(directory: string): Promise<SeenPull | undefined> {
  const staging = stagingAt(directory);
  const entries = await readdir(staging, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return undefined;
  const files = entries.filter(
    (entry) => entry.isFile() && entry.name !== noteName && !entry.name.endsWith('.partial.json'),
  );
  const sizes = await Promise.all(files.map(({ parentPath, name }) => sizeOf(join(parentPath, name))));
  const receivedBytes = sizes.reduce((sum, size) => sum + size, 0);
  const path = join(staging, noteName);
  try {
    const [content, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const planned = note.parse(JSON.parse(content)).files;
    const bytes = planned.every((file) => file.bytes !== undefined)
      ? planned.reduce((sum, file) => sum + (file.bytes ?? 0), 0)
      : null;
    return { state: Date.now() - mtimeMs < silenceMs ? 'running' : 'interrupted', receivedBytes, bytes };
  } catch {
    return receivedBytes === 0 ? undefined : { state: 'interrupted', receivedBytes, bytes: null };
  }
}
