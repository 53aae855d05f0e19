import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { telemetryOff } from '../../shared/child-environment.js';
import { BootstrapError } from './bootstrap-error.js';

const isWindows = process.platform === 'win32';
/**
 * The maximum size of V8's young generation in MiB. On a machine with much memory it grows to 134 MiB per process, mostly
 * unused: a worker with two encoders grew from 600 to 800 MiB over 60,000 items, and stays at 600 MiB with this limit.
 */
const youngObjects = '--max-semi-space-size=8';

/**
 * Runs the entry. Resolves to `{code, signal}`, as child_process reports them, when it has ended. The entry has its own
 * process group, so that a stop request reaches it once, through `stops`, and not again from the terminal. A pipe closes
 * when this process is killed (`end-with-bootstrap.js`).
 */
export function launch(root, entry, args, stops) {
  const child = spawn(
    nodeOf(root),
    [`--import=${new URL('./end-with-bootstrap.js', import.meta.url)}`, entry, ...args],
    {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      detached: !isWindows,
      env: {
        // The entry reads all settings, secrets included.
        ...process.env,
        ...telemetryOff,
        // Child processes inherit both. A process that cannot write to the cache works without it.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compile'),
        NODE_OPTIONS: [youngObjects, process.env.NODE_OPTIONS].filter(Boolean).join(' '),
      },
    },
  );
  stops.onStop = (signal) => passOn(signal, child);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new BootstrapError(`Cannot run ${child.spawnfile}: ${error.message}`)));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
}

/**
 * Forwards a stop request as if this process did not exist: Ctrl-C and a closed terminal to the whole group, `kill` to
 * one process.
 */
function passOn(signal, child) {
  if (signal === 'SIGTERM' || isWindows) {
    child.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has just ended.
  }
}

const ownNode = (root) => join(root, 'node_modules', 'node', 'bin', isWindows ? 'node.exe' : 'node');

/** Node 24 strips types and needs no build step. */
const isRecentEnough = () => Number(process.versions.node.split('.')[0]) >= 24 && existsSync(process.execPath);

/** Returns true if there is a Node that runs the code: this one, or that of the package `node`. */
export const hasNode = (root) => isRecentEnough() || existsSync(ownNode(root));

/** Returns the Node of this process if it runs the code, else that of the package `node`. */
export function nodeOf(root) {
  if (isRecentEnough()) return process.execPath;
  if (existsSync(ownNode(root))) return ownNode(root);
  throw new BootstrapError(
    `${ownNode(root)} is missing. Run \`npm rebuild node --ignore-scripts=false\`, or use Node 24 or newer.`,
  );
}
