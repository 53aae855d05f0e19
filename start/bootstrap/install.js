import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { childEnvironment } from '../../shared/child-environment.js';
import { BootstrapError } from './bootstrap-error.js';
import { runChild } from './child.js';
import { withInstallLock } from './install-lock.js';
import { hasNode } from './launch.js';
import { isInstalled, writeStamp } from './stamp.js';
import { isCompleteTree } from './tree.js';

/**
 * Runs `npm ci`, unless `node_modules` has the stamp of this lock file or exactly its packages. (Checkouts, restored
 * caches and copies change file times.) If this Node is too old, also installs the package `node`.
 */
export async function ensureInstalled(root, stops) {
  // npm has installed this package with its dependencies. Only Node can be missing, which launch.js reports.
  if (isPackage(root)) return;
  const isReady = () => isInstalled(root) && hasNode(root);
  if (isReady()) return;

  requireWritable(root);
  await withInstallLock(join(root, '.data'), stops, async () => {
    if (isReady()) return;
    const isThere = isInstalled(root) || isCompleteTree(root);
    if (!isThere || !hasNode(root)) console.log('Installing dependencies (first run, about a minute)…');
    // `npm start` and `npm test` use the same node_modules, so devDependencies are installed even with NODE_ENV=production.
    if (!isThere) await npm(root, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev'], stops);
    if (!hasNode(root)) await npm(root, ['rebuild', 'node', '--ignore-scripts=false'], stops);
    writeStamp(root);
  });
}

/** Returns true for the folder of an installed package. The manifest of a checkout is private. */
const isPackage = (root) => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).private !== true;

function requireWritable(root) {
  for (const path of [root, join(root, 'node_modules')]) {
    if (!existsSync(path)) continue;
    try {
      accessSync(path, constants.W_OK);
    } catch {
      throw new BootstrapError(
        `The dependencies of this checkout are not installed and ${path} is read-only: make it writable, or run \`npm ci\` there first.`,
      );
    }
  }
}

async function npm(root, words, stops) {
  const [command, ...args] = npmCommand();
  const options = {
    cwd: root,
    shell: process.platform === 'win32' && command === 'npm',
    env: childEnvironment('packageInstall'),
  };
  const { output, failure } = await runChild(command, [...args, ...words], options, stops);
  if (failure !== undefined) throw new BootstrapError(npmFailure(root, words[0], failure, output));
}

/**
 * Returns the command of the npm that runs this script, with the Node that runs npm. `process.execPath` may be the Node
 * in `node_modules`, which `npm ci` is about to delete.
 */
function npmCommand() {
  const cli = process.env.npm_execpath;
  if (cli === undefined || basename(cli) !== 'npm-cli.js') return ['npm'];
  return [process.env.npm_node_execpath ?? process.execPath, cli];
}

function npmFailure(root, word, failure, output) {
  if (output.includes('ENOSPC'))
    return `npm ${word} failed: no disk space left at ${root}. Free about 1 GB and run the command again.`;
  if (/\b(EROFS|EACCES)\b/.test(output))
    return `npm ${word} failed: this user has no permission to write in ${root}. Make the checkout writable for this user.`;
  const lines = output.trim().split('\n');
  // The last lines of npm are general advice, so the message begins with its first error line.
  const first = Math.max(
    lines.findIndex((line) => line.startsWith('npm error')),
    0,
  );
  return `${lines.slice(first, first + 20).join('\n')}\nnpm ${word} failed (${failure}); see its output above.`;
}
