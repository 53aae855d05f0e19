import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import { runChild } from './child.js';
import { nodeOf } from './launch.js';

/** Who serves the page, or tests it. A worker has no use for it. */
const servers = new Set(['start/main.ts', 'api/main.ts', 'tests/run.ts']);

/**
 * Builds the page for an entry that serves it, unless `web/dist` carries the stamp of these very sources. A page that
 * cannot be built (no write access, an installation without the tools) keeps nobody from using the API.
 */
export async function ensurePageFor(entry, root, stops) {
  const path = relative(root, resolve(entry)).replaceAll('\\', '/');
  const fault = servers.has(path) ? await ensurePage(root, stops) : undefined;
  if (fault !== undefined && stops.asked === undefined) console.error(couldNot(fault));
}

/** @returns undefined when `web/dist` is as it should be, else why it is not. */
async function ensurePage(root, stops) {
  const web = join(root, 'web');
  if (!existsSync(join(web, 'build.ts'))) return undefined;
  const stampFile = join(web, 'dist', '.built-from');
  const stamp = stampOf(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return undefined;
  const fault = await build(root, stops);
  if (fault === undefined) writeFileSync(stampFile, stamp);
  return fault;
}

const couldNot = (fault) => `The page at /evaluator/ could not be built: ${fault}`;

/** By content, as file times say nothing after a checkout; the lock file stands for the build tools. */
function stampOf(root) {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'web'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.startsWith(join(root, 'web', 'dist')))
    .sort();
  const others = [['shared', 'errors.ts'], ['examples', 'photos', 'chelsea.jpg'], ['package-lock.json']];
  for (const path of [...files, ...others.map((parts) => join(root, ...parts))]) {
    if (!existsSync(path)) continue;
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  }
  return `${hash.digest('hex')}\n`;
}

/** @returns undefined when it is built, else what was said. In a process of its own, which takes its memory with it. */
async function build(root, stops) {
  const options = { env: childEnvironment('pageBuild') };
  const { output, failure } = await runChild(nodeOf(root), [join(root, 'web', 'build.ts')], options, stops);
  return failure === undefined ? undefined : output.trim() || failure;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(dirname(process.argv[1])));
  const fault = await ensurePage(root, { asked: undefined, onStop: () => {} });
  if (fault !== undefined) {
    console.error(couldNot(fault));
    process.exitCode = 1;
  }
}
