import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 200;
const HEARTBEAT_MS = 5_000;
// The time in ms after which a token without an update is stale, even if its process id exists: ids are reused after a
// reboot.
const DEAD_AFTER_MS = 60_000;

/**
 * Runs `work` while this process holds the lock of this checkout. `shared/file-lock.ts` needs the SQLite of Node 24,
 * but this file must run on Node 20.
 * The lock is a directory with one token, a file named by the holder's process id. A process takes the lock by renaming
 * a prepared directory to its path, which fails while a token is there. A stale token is removed by its name, so
 * exactly one of several processes takes a stale lock.
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
    // Removes only an empty directory: it may already contain the next holder's token.
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
    // The directory contains a token, or another process has just removed it.
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // A user has removed the token. The installation continues.
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
