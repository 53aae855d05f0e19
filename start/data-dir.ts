import { accessSync, constants, existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tryLock } from '../shared/file-lock.ts';
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts';
import { findRunningService, recordsIn } from './running-service.ts';
import { StartError } from './start-error.ts';

const MIB = 1024 * 1024;
// The minimum free disk space in bytes. Redis rewrites its append-only file into a second file, and exits if it cannot.
const MIN_FREE_BYTES = 512 * MIB;

export interface DataDir {
  readonly path: string;
  /** Records the address of the service, which a second start prints. */
  recordAddress(url: string): void;
  release(): void;
}

/**
 * Creates the data directory if it is missing, checks and locks it.
 * @throws {StartError} if it is not writable, its disk is nearly full, or another `npm start` holds the lock.
 */
export function claimDataDir(path: string, { minFreeBytes = MIN_FREE_BYTES } = {}): DataDir {
  requireWritable(path);
  requireSpace(path, minFreeBytes);
  const { pidFile, addressFile } = recordsIn(path);
  const unlock = lock(path);
  rmSync(addressFile, { force: true });
  writePidFile(pidFile, process.pid);
  return {
    path,
    recordAddress(url) {
      try {
        writeFileSync(addressFile, url, { mode: 0o600 });
      } catch {
        // The disk may be full. Only a message needs the file.
      }
    },
    release: () => {
      rmSync(addressFile, { force: true });
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
      throw new StartError(`The disk of ${path} is full. Free some space, or set DATA_DIR to another directory.`);
    throw new StartError(
      `Cannot write in ${path} (${code}). Make it writable, or set DATA_DIR to a writable directory.`,
    );
  }
}

/**
 * Creates a directory level by level. Node's recursive `mkdirSync` never returns where a directory cannot be created,
 * such as in /proc.
 */
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
  // Some network file systems report a size of 0, so their free space is unknown.
  if (blocks === 0 || bavail * bsize >= minFreeBytes) return;
  const free = Math.floor((bavail * bsize) / MIB);
  throw new StartError(
    `Only ${free} MiB are free on the disk of ${path}; the service needs ${Math.ceil(minFreeBytes / MIB)} MiB. Free some space, or set DATA_DIR.`,
  );
}

function lock(dataDir: string): () => void {
  let unlock: (() => void) | undefined;
  try {
    unlock = tryLock(join(dataDir, 'lock'));
  } catch (error) {
    throw new StartError(
      `Cannot lock ${dataDir} (${(error as Error).message}). Set DATA_DIR to a directory on a local disk.`,
    );
  }
  if (unlock !== undefined) return unlock;
  const holder = readPidFile(recordsIn(dataDir).pidFile);
  const holding = holder === undefined ? '' : ` (process ${holder})`;
  const address = findRunningService(dataDir);
  const use = address === undefined ? '' : `It answers at ${address}. `;
  throw new StartError(
    `${dataDir} is in use by another running service${holding}. ${use}Stop that service, or set DATA_DIR to another directory.`,
  );
}
