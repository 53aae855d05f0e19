import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether `node_modules` holds every package of the lock file for this platform, and no other: an `npm ci` by hand leaves
 * no stamp, as npm runs no script of this package. npm notes in `node_modules/.package-lock.json` what it installed.
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
 * Whether npm must have installed it. An optional package that names no platform may be needed by one for another platform
 * alone; which C library is here, npm finds out.
 */
function isForHere({ optional, os, cpu, libc }) {
  if (!optional) return true;
  const namesPlatform = os !== undefined || cpu !== undefined;
  return namesPlatform && libc === undefined && includes(os, process.platform) && includes(cpu, process.arch);
}

const includes = (list, name) => list === undefined || list.includes(name);

/** Without the package itself, which has the empty path. */
function packagesOf(lockFile) {
  try {
    const { '': _self, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
    return packages;
  } catch {
    return undefined;
  }
}
