import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// A static import of SQLite would end the process on Node 20, which the command line supports.
const sqlite: typeof import('node:sqlite') | undefined = process.getBuiltinModule('node:sqlite');

/** True when this Node version has SQLite, on which the locks are based. */
export const hasFileLocks = sqlite !== undefined;

const retryMs = 100;
const sqliteBusy = 5;

/**
 * Takes an exclusive lock on a file, unless another process or task has it.
 *
 * Node cannot lock files, so the lock is an exclusive transaction on an empty SQLite file. The kernel frees it when the
 * process ends, even after a crash.
 * @returns a function that frees the lock; undefined when another process or task has it.
 * @throws when the file cannot be locked, as on some network file systems and on Node 20.
 */
export function tryLock(file: string): (() => void) | undefined {
  if (sqlite === undefined)
    throw new Error(
      `Files cannot be locked: Node ${process.version} has no built-in SQLite, on which the locks are based`,
    );
  const lock = new sqlite.DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return () => lock.close();
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    return undefined;
  }
}

/**
 * Waits for the lock and takes it. Creates the directory.
 * @param onWait called once when another process or task has the lock.
 * @returns a function that frees the lock.
 * @throws as {@link tryLock}; an `AbortError` when the signal aborts first.
 */
export async function takeLock(file: string, onWait: () => void, signal?: AbortSignal): Promise<() => void> {
  await mkdir(dirname(file), { recursive: true });
  for (let waited = false; ; waited = true) {
    const release = tryLock(file);
    if (release !== undefined) return release;
    if (!waited) onWait();
    await delay(retryMs, undefined, { ...(signal && { signal }) });
  }
}
