import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { telemetryOff } from '../../shared/child-environment.js';
import { BootstrapError } from './bootstrap-error.js';

const isWindows = process.platform === 'win32';
/**
 * Limits each semi-space of V8's young generation to 8 MiB. Otherwise a worker with two encoders grows from 600 to 800
 * MiB over 60,000 items on a machine with much memory.
 */
const youngObjects = '--max-semi-space-size=8';

/**
 * Runs the entry script. Resolves to its `{code, signal}`, as in child_process. In its own process group, it gets a
 * stop request once, through `stops`. Its pipe closes when this process is killed (`end-with-bootstrap.js`).
 */
export function launch(root, entry, args, stops) {
  const child = spawn(
    nodeOf(root),
    [`--import=${new URL('./end-with-bootstrap.js', import.meta.url)}`, entry, ...args],
    {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      detached: !isWindows,
      env: {
        // The entry script reads all settings, including secrets.
        ...process.env,
        ...telemetryOff,
        // Child processes inherit both variables. An unwritable compile cache does no harm.
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

/** Forwards a stop request. Ctrl-C and a closed terminal reach the whole process group, `kill` only one process. */
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

/** Returns the path of Node in the package `node`. npm may install that above the root of the service. */
function ownNode(root) {
  const program = join('bin', isWindows ? 'node.exe' : 'node');
  try {
    return join(dirname(createRequire(join(root, 'package.json')).resolve('node/package.json')), program);
  } catch {
    return join(root, 'node_modules', 'node', program);
  }
}

const isRecentEnough = () => Number(process.versions.node.split('.')[0]) >= 24 && existsSync(process.execPath);

/** Returns true if this Node or the package `node` can run the code. */
export const hasNode = (root) => isRecentEnough() || existsSync(ownNode(root));

/** Returns the path of this Node if it is recent enough, or else that of the package `node`. */
export function nodeOf(root) {
  if (isRecentEnough()) return process.execPath;
  if (existsSync(ownNode(root))) return ownNode(root);
  throw new BootstrapError(
    `${ownNode(root)} is missing. Run \`npm rebuild node --ignore-scripts=false\`, or use Node 24 or newer.`,
  );
}
