import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

const retryMs = 100;
const SQLITE_BUSY = 5;

/**
 * Waits until no other process or task holds the lock, and takes it. It is an exclusive transaction on an empty SQLite
 * file: the kernel frees it however its holder ends, so a crashed pull is taken over at once, by one.
 * @param onWait called once when somebody else holds it.
 * @returns the function that frees it.
 */
export async function takeLock(file: string, onWait: () => void, signal?: AbortSignal): Promise<() => void> {
  await mkdir(dirname(file), { recursive: true });
  for (let waited = false; ; waited = true) {
    const lock = new DatabaseSync(file, { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return () => lock.close();
    } catch (error) {
      lock.close();
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    }
    if (!waited) onWait();
    await delay(retryMs, undefined, { ...(signal && { signal }) });
  }
}
