import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sizeOf, writeJson } from '../files.ts';

/** An unfinished download is on the disk of the final directory, so a rename completes it. */
export const stagingAt = (directory: string): string => `${directory}.partial`;

/** The interval in ms at which a running download touches its note file, which shows other processes that it runs. */
const touchEveryMs = 5_000;
/** The time in ms since the last touch after which a download counts as interrupted. */
const silenceMs = 30_000;

const noteName = 'pull.json';
const note = z.object({ files: z.array(z.object({ local: z.string(), bytes: z.int().min(0).optional() })) });

export interface AnnouncedPull {
  end(): Promise<void>;
}

/** Writes a note file, from which other processes learn the files and the progress of a download. */
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
      // Files without a note file belong to an interrupted download.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

export interface StagedPull {
  /** `interrupted`: no process is downloading; the next download continues with the bytes already received. */
  state: 'running' | 'interrupted';
  receivedBytes: number;
  /** The total size of all files in bytes; null when the size of a file is unknown. */
  bytes: number | null;
}

/** Returns undefined when there is no download for the directory. */
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
