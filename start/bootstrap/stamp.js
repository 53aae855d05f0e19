import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BootstrapError } from './bootstrap-error.js';

const stampFile = (root) => join(root, 'node_modules', '.installed-from');

export const isInstalled = (root) => readIfThere(stampFile(root)) === stampOf(root);

export function writeStamp(root) {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampFile(root), stampOf(root));
}

/** Returns the stamp of an installation. A Mac and a Linux container may share a checkout, but not native modules. */
function stampOf(root) {
  const lockFile = readIfThere(join(root, 'package-lock.json'));
  if (lockFile === undefined)
    throw new BootstrapError(
      `${join(root, 'package-lock.json')} is missing. If this is a checkout, it is incomplete. If it is an archive of the sources, make one that starts: run \`npm run build:package && npm pack ./dist/package\` in a checkout.`,
    );
  return `${createHash('sha256').update(lockFile).digest('hex')} ${process.platform}-${process.arch}\n`;
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeStamp(process.cwd());
