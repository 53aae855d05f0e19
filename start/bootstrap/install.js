import { accessSync, constants, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { childEnvironment } from '../../shared/child-environment.js';
import { BootstrapError } from './bootstrap-error.js';
import { runChild } from './child.js';
import { withInstallLock } from './install-lock.js';
import { isInstalled, writeStamp } from './stamp.js';

/**
 * Runs `npm ci` unless `node_modules` carries the stamp of this very lock file. File times play no part: a git checkout,
 * a restored cache or a copied folder changes them at will.
 */
export async function ensureInstalled(root, stops) {
  if (isInstalled(root)) return;

  requireWritable(root);
  await withInstallLock(join(root, '.data'), stops, async () => {
    if (isInstalled(root)) return;
    console.log('Installing dependencies (first run, about a minute)…');
    await npmCi(root, stops);
    writeStamp(root);
  });
}

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

async function npmCi(root, stops) {
  const [command, ...args] = npmCommand();
  // devDependencies always: `npm start` and `npm test` share one tree, and NODE_ENV=production would leave out the tests' half.
  const options = {
    cwd: root,
    shell: process.platform === 'win32' && command === 'npm',
    env: childEnvironment('packageInstall'),
  };
  const ci = [...args, 'ci', '--no-audit', '--no-fund', '--include=dev'];
  const { output, failure } = await runChild(command, ci, options, stops);
  if (failure !== undefined) throw new BootstrapError(npmFailure(root, failure, output));
}

/**
 * The npm that runs this script, under the Node that runs it. Not `process.execPath`: npm puts `node_modules/.bin` in front,
 * so that may be the project's own Node, which `npm ci` is about to delete.
 */
function npmCommand() {
  const cli = process.env.npm_execpath;
  if (cli === undefined || basename(cli) !== 'npm-cli.js') return ['npm'];
  return [process.env.npm_node_execpath ?? process.execPath, cli];
}

function npmFailure(root, failure, output) {
  if (output.includes('ENOSPC'))
    return `npm ci failed: no disk space left at ${root}. Free about 1 GB and run the command again.`;
  if (/\b(EROFS|EACCES)\b/.test(output))
    return `npm ci failed: it may not write in ${root}. Make the checkout writable by this user.`;
  const lines = output.trim().split('\n');
  // From npm's first word about the error: its last ones are its manual.
  const first = Math.max(
    lines.findIndex((line) => line.startsWith('npm error')),
    0,
  );
  return `${lines.slice(first, first + 20).join('\n')}\nnpm ci failed (${failure}); what it said stands above.`;
}
