import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns true if `node_modules` contains exactly the packages of the lock file for this platform. This recognises a
 * manual `npm ci`, which writes no stamp, because npm then runs no script of this package. npm lists the installed
 * packages in `node_modules/.package-lock.json`.
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
 * Returns true if npm must have installed the package on this platform. For two kinds of optional packages this cannot
 * be known, and the result is false: a package without a platform may belong to a package of another platform, and for
 * a package with a C library only npm detects the library of this system.
 */
function isForHere({ optional, os, cpu, libc }) {
  if (!optional) return true;
  const namesPlatform = os !== undefined || cpu !== undefined;
  return namesPlatform && libc === undefined && includes(os, process.platform) && includes(cpu, process.arch);
}

const includes = (list, name) => list === undefined || list.includes(name);

/** Returns the packages of a lock file, without the project itself, which has the empty path. */
function packagesOf(lockFile) {
  try {
    const { '': _self, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
    return packages;
  } catch {
    return undefined;
  }
}
