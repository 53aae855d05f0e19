import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 200;
const HEARTBEAT_MS = 5_000;
// The time in ms after which a token that is not updated is stale, even if its process id exists: ids are reused after
// a reboot. A live holder updates its token much more often.
const DEAD_AFTER_MS = 60_000;

/**
 * Runs `work` while this process holds the lock of this checkout, so that only one bootstrap installs at a time.
 * `shared/file-lock.ts` cannot be used here: it needs the SQLite of Node 24, but this file must also run on Node 20,
 * before anything is installed.
 *
 * The lock is a directory that contains one token, a file named by the process id of the holder. A process takes the
 * lock by renaming a prepared directory to the path of the lock, which succeeds only if no directory is there or it is
 * empty. The token of a dead holder is removed by its name, so if several processes find a stale lock, exactly one of
 * them takes it.
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
    // Only an empty directory is removed, because it may already contain the token of the next holder.
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
    // The directory contains a token, or another process has just removed the directory.
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // A user has removed the token. The installation continues nevertheless.
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
