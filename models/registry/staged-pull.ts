import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sizeOf, writeJson } from '../files.ts';

/**
 * Returns the directory in which the downloads of a model wait until it is complete. It is on the same disk, so that
 * renaming it is enough.
 */
export const stagingAt = (directory: string): string => `${directory}.partial`;

/** The time in ms between two updates of the note of a running pull. */
const touchEveryMs = 5_000;
/** The time in ms without an update of its note after which a pull counts as interrupted. */
const silenceMs = 30_000;

const noteName = 'pull.json';
const note = z.object({ files: z.array(z.object({ local: z.string(), bytes: z.int().min(0).optional() })) });

/** A running pull, with a note next to its downloads. */
export interface AnnouncedPull {
  end(): Promise<void>;
}

/**
 * Writes a note that names the files being downloaded, next to the downloads, so that other processes can show the
 * pull.
 */
export async function announcePull(
  staging: string,
  files: { local: string; bytes: number | undefined }[],
): Promise<AnnouncedPull> {
  const path = join(staging, noteName);
  await writeJson(path, { files });
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, touchEveryMs);
  timer.unref();
  return {
    async end() {
      clearInterval(timer);
      // A pull that ends normally leaves no note. Downloads without one were interrupted.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

/** A pull as other processes see it. */
export interface StagedPull {
  /** `interrupted`: the next pull continues with the bytes received. */
  state: 'running' | 'interrupted';
  receivedBytes: number;
  /** Bytes of all files; null where the size of one is unknown. */
  bytes: number | null;
}

/** Reads the pull that fills this directory; undefined where there is none. */
export async function readStagedPull(directory: string): Promise<StagedPull | undefined> {
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
