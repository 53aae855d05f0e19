import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 200;
const HEARTBEAT_MS = 5_000;
// Process ids are reused after a reboot. A live holder updates its token far more often than this.
const DEAD_AFTER_MS = 60_000;

/**
 * Runs `work` while no other bootstrap of this checkout does. It cannot use `shared/file-lock.ts`, which needs the
 * SQLite of Node 24: it also runs on Node 20, before anything is installed.
 *
 * The lock is a directory with one token, named after the holder's process. A process takes the lock by renaming a
 * prepared directory over it, which succeeds only if it is missing or empty. The token of a dead holder is removed by
 * its name. So if several processes find a stale lock, exactly one gets it.
 */
export async function withInstallLock(directory, stops, work) {
  const lock = join(directory, 'install.lock');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let toldToWait = false;
  while (!take(lock)) {
    if (stops.asked !== undefined) return;
    if (!toldToWait) console.log('Another start is installing the dependencies; waiting for it…');
    toldToWait = true;
    await delay(RETRY_MS);
  }
  const token = join(lock, String(process.pid));
  const heartbeat = setInterval(() => touch(token), HEARTBEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(token, { force: true });
    // Not recursively: the directory may already have the next holder's token.
    removeIfEmpty(lock);
  }
}

function take(lock) {
  removeStaleTokens(lock);
  const prepared = `${lock}.${process.pid}`;
  mkdirSync(prepared, { recursive: true });
  writeFileSync(join(prepared, String(process.pid)), '');
  try {
    renameSync(prepared, lock);
    return true;
  } catch {
    rmSync(prepared, { recursive: true, force: true });
    return false;
  }
}

function removeStaleTokens(lock) {
  try {
    for (const name of readdirSync(lock)) {
      const token = join(lock, name);
      if (isStale(token, Number(name))) rmSync(token, { force: true });
    }
  } catch {
    // The lock is missing, or its token was just removed. `take` checks again.
  }
  // Windows cannot rename over an empty directory.
  removeIfEmpty(lock);
}

function removeIfEmpty(directory) {
  try {
    rmdirSync(directory);
  } catch {
    // The directory has a token, or was removed.
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Removed by a user: the installation continues.
  }
}

function isStale(token, pid) {
  if (pid === process.pid || Date.now() - statSync(token).mtimeMs > DEAD_AFTER_MS) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
