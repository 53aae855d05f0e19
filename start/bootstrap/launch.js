import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { telemetryOff } from '../../shared/child-environment.js';
import { BootstrapError } from './bootstrap-error.js';

const isWindows = process.platform === 'win32';
/**
 * In MiB. On a machine with much memory V8 lets the young generation of each process grow to 134 MiB, mostly air: a worker
 * with two encoders went from 600 to 800 MiB over 60,000 items, and stays at 600 with this.
 */
const youngObjects = '--max-semi-space-size=8';

/**
 * Runs the entry and resolves when it has ended, to `{code, signal}` as child_process reports them.
 * The entry gets a process group of its own, so that a stop reaches it once, through `stops`, and not a second time from
 * the terminal; and a pipe whose end tells it that this process was killed (`end-with-bootstrap.js`).
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
        // Both are inherited by every process below; one that cannot write to the cache simply goes without.
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

/** As without this process: Ctrl-C and a closed terminal reach the whole group, `kill` the one process. */
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

/** Whether there is a Node that runs the code: this one, or the one that the package `node` brings. */
export const hasNode = (root) => isRecentEnough() || existsSync(ownNode(root));

/** The Node of this process where it runs the code, else the one that the package `node` has brought. */
export function nodeOf(root) {
  if (isRecentEnough()) return process.execPath;
  if (existsSync(ownNode(root))) return ownNode(root);
  throw new BootstrapError(
    `${ownNode(root)} is missing. Run \`npm rebuild node --ignore-scripts=false\`, or use Node 24 or newer.`,
  );
}
