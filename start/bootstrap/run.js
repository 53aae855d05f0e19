import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BootstrapError } from './bootstrap-error.js';
import { ensureInstalled } from './install.js';
import { launch } from './launch.js';
import { ensurePageFor } from './page.js';
import { listenForStops } from './stops.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Installs the dependencies and builds the page if needed, then runs the entry script. Ends with its exit code or
 * signal.
 * @param {string[]} argv the path of the entry script, and its arguments
 */
export async function run([entry, ...args]) {
  if (entry === undefined) return fail('Usage: node start/bootstrap.js <entry.ts> [arguments]');
  const stops = listenForStops();
  try {
    await ensureInstalled(root, stops);
    if (stops.asked === undefined) await ensurePageFor(entry, args, root, stops);
    if (stops.asked !== undefined) return endBy(stops, stops.asked);
    const { code, signal } = await launch(root, entry, args, stops);
    if (signal === null) process.exit(code);
    endBy(stops, signal);
  } catch (error) {
    if (stops.asked !== undefined) endBy(stops, stops.asked);
    else fail(error instanceof BootstrapError ? error.message : error);
  }
}

/** Ends this process by the signal that ended the entry script, for the shell and npm to see. */
function endBy(stops, signal) {
  stops.release();
  process.kill(process.pid, signal);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
