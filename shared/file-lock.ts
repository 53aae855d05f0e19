import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

const retryMs = 100;
const sqliteBusy = 5;

/**
 * Takes an exclusive lock on a file, unless another process or task has it.
 *
 * Node has no file locks, so the lock is an exclusive transaction on an empty SQLite file. The kernel frees the lock
 * when the process ends, even after a crash. `start/bootstrap/install-lock.js` is a separate lock for installation: it
 * runs on Node 20, which has no SQLite.
 * @returns a function that frees the lock; undefined when another process or task has it.
 * @throws when the file cannot be locked, as on some network file systems.
 */
export function tryLock(file: string): (() => void) | undefined {
  const lock = new DatabaseSync(file, { timeout: 0 });
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
 * Waits until the lock is free, then takes it. Creates the directory of the file.
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
