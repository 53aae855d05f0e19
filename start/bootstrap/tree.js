import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns true if `node_modules` contains exactly the lock file's packages for this platform. A manual `npm ci` writes
 * no stamp, but `node_modules/.package-lock.json` lists what it installed.
 */
export function isCompleteTree(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    const installed = present[path];
    if (installed === undefined ? isForHere(entry) : !isSame(entry, installed)) return false;
  }
  return Object.keys(present).every((path) => path in wanted);
}

const isSame = (one, other) => one.version === other.version && one.integrity === other.integrity;

/**
 * Returns true if npm must have installed the package here. False also for optional packages that name no platform
 * (they may belong to one that does) or need a C library (only npm detects it).
 */
function isForHere({ optional, os, cpu, libc }) {
  if (!optional) return true;
  const namesPlatform = os !== undefined || cpu !== undefined;
  return namesPlatform && libc === undefined && includes(os, process.platform) && includes(cpu, process.arch);
}

const includes = (list, name) => list === undefined || list.includes(name);

/** Returns the packages of a lock file, without the project itself. */
function packagesOf(lockFile) {
  try {
    const { '': _self, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
    return packages;
  } catch {
    return undefined;
  }
}
