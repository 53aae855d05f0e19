import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { telemetryOff } from '../../shared/child-environment.js';
import { BootstrapError } from './bootstrap-error.js';

const isWindows = process.platform === 'win32';
/**
 * Limits the young generation of V8 (the memory of new objects): the size of each of its semi-spaces in MiB. On a
 * machine with much memory, it would grow to 134 MiB per process, mostly unused. A worker with two encoders grew from
 * 600 to 800 MiB over 60,000 items; with this limit it stays at 600 MiB.
 */
const youngObjects = '--max-semi-space-size=8';

/**
 * Runs the entry script. Resolves to `{code, signal}`, as child_process reports them, when the script has ended. The
 * script has its own process group, so a stop request reaches it once, through `stops`, and not a second time from the
 * terminal. A pipe to the script closes when this process is killed (`end-with-bootstrap.js`).
 */
export function launch(root, entry, args, stops) {
  const child = spawn(
    nodeOf(root),
    [`--import=${new URL('./end-with-bootstrap.js', import.meta.url)}`, entry, ...args],
    {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      detached: !isWindows,
      env: {
        // The whole environment is passed on, because the entry script reads all settings, including secrets.
        ...process.env,
        ...telemetryOff,
        // Child processes inherit both variables. A process that cannot write to the compile cache works without it.
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
 * Forwards a stop request to the processes that would get it without this bootstrap: Ctrl-C and a closed terminal reach
 * the whole process group, `kill` only one process.
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

/** Returns the path of the Node in the package `node`, which lies above the root where npm has installed the service. */
function ownNode(root) {
  const program = join('bin', isWindows ? 'node.exe' : 'node');
  try {
    return join(dirname(createRequire(join(root, 'package.json')).resolve('node/package.json')), program);
  } catch {
    return join(root, 'node_modules', 'node', program);
  }
}

/** Returns true if this Node can run the TypeScript code without a build step, as Node 24 can. */
const isRecentEnough = () => Number(process.versions.node.split('.')[0]) >= 24 && existsSync(process.execPath);

/**
 * Returns true if a Node that can run the code is available: the Node of this process, or that of the package `node`.
 */
export const hasNode = (root) => isRecentEnough() || existsSync(ownNode(root));

/**
 * Returns the path of a Node that can run the code: that of this process if it is recent enough, otherwise that of the
 * package `node`.
 */
export function nodeOf(root) {
  if (isRecentEnough()) return process.execPath;
  if (existsSync(ownNode(root))) return ownNode(root);
  throw new BootstrapError(
    `${ownNode(root)} is missing. Run \`npm rebuild node --ignore-scripts=false\`, or use Node 24 or newer.`,
  );
}
