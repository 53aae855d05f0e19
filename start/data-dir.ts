import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tryLock } from '../shared/file-lock.ts';
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { StartError } from './start-error.ts';

const MIB = 1024 * 1024;
// An append-only file is rewritten beside itself, and a Redis that cannot write ends.
const MIN_FREE_BYTES = 512 * MIB;

/** The directory for everything the service writes, held by this process alone. */
export interface DataDir {
  readonly path: string;
  release(): void;
}

/**
 * Creates the directory if need be, checks that it can be written and has room, and locks it.
 * @throws {StartError} when it cannot be written, is nearly full, or another start holds it.
 */
export function claimDataDir(path: string, { minFreeBytes = MIN_FREE_BYTES } = {}): DataDir {
  requireWritable(path);
  requireSpace(path, minFreeBytes);
  const pidFile = join(path, 'start.pid');
  const unlock = lock(path, pidFile);
  writePidFile(pidFile, process.pid);
  return {
    path,
    release: () => {
      removePidFile(pidFile);
      unlock();
    },
  };
}

function requireWritable(path: string): void {
  try {
    makeDirectory(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOSPC')
      throw new StartError(`No disk space left for ${path}. Free some, or set DATA_DIR to another directory.`);
    throw new StartError(
      `Cannot write in ${path} (${code}). Make it writable, or set DATA_DIR to a directory that is.`,
    );
  }
}

/** Level by level: Node's own recursion never ends where a directory can neither be found nor made, as below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function requireSpace(path: string, minFreeBytes: number): void {
  const { bavail, bsize, blocks } = statfsSync(path);
  // Some network file systems report no size at all.
  if (blocks === 0 || bavail * bsize >= minFreeBytes) return;
  const free = Math.floor((bavail * bsize) / MIB);
  throw new StartError(
    `Only ${free} MiB of disk are free at ${path}; the service needs ${Math.ceil(minFreeBytes / MIB)} MiB. Free some, or set DATA_DIR.`,
  );
}

function lock(dataDir: string, pidFile: string): () => void {
  let unlock: (() => void) | undefined;
  try {
    unlock = tryLock(join(dataDir, 'lock'));
  } catch (error) {
    throw new StartError(
      `Cannot lock ${dataDir} (${(error as Error).message}). Set DATA_DIR to a directory on a local disk.`,
    );
  }
  if (unlock !== undefined) return unlock;
  const holder = readPidFile(pidFile);
  const holding = holder === undefined ? '' : ` (process ${holder})`;
  throw new StartError(
    `${dataDir} is in use by another start${holding}. Stop that one, or set DATA_DIR to another directory.`,
  );
}
